/**
 * Removes one person, and retries a failure that may pass. Every attempt has the same idempotency key, so a removal whose
 * response was lost still ends as a removal, not as a 404.
 */
import type {
  DeleteUserFailure,
  DeleteUserOutcome,
  DeleteUserRequest,
  Identity,
} from '../../../src/identity'

const MAX_ATTEMPTS = 3
/** A longer pause is left to the caller, who waits at a page. */
const MAX_PAUSE_S = 5

/** The part of the binding that is used here; a test passes an object with this one method. */
export type IdentityBinding = Pick<Identity, 'deleteUser'>

/** The outcome of the last attempt. */
export interface PersonOutcome {
  readonly outcome: DeleteUserOutcome
  readonly attempts: number
}

/** A request that can be repeated. */
export type RepeatableRequest = DeleteUserRequest & { readonly idempotencyKey: string }

/** Removes one person. Never rejects: an exception of the binding is a failure too. */
export async function removePerson(
  identity: IdentityBinding,
  request: RepeatableRequest,
): Promise<PersonOutcome> {
  for (let attempts = 1; ; attempts++) {
    const outcome = await call(identity, request)
    if (outcome.ok || attempts === MAX_ATTEMPTS || !isWorthARetry(outcome)) {
      return { outcome, attempts }
    }
    await pause(outcome.retryAfter ?? 0)
  }
}

/** Refusals are final, and so is a failure that does not say when to retry. */
function isWorthARetry({ retryAfter }: DeleteUserFailure): boolean {
  return retryAfter !== undefined && retryAfter <= MAX_PAUSE_S
}

/**
 * The outcome, or a failure if there is none: the Identity Worker was replaced during the call, or the binding leads to
 * something else. A TypeError means that this program is wrong, which a retry does not change.
 */
async function call(
  identity: IdentityBinding,
  request: RepeatableRequest,
): Promise<DeleteUserOutcome> {
  try {
    const outcome = await identity.deleteUser(request)
    if (outcome.ok || typeof outcome.error === 'string') return outcome
    throw new TypeError('The binding IDENTITY returned no outcome')
  } catch (error) {
    console.error(JSON.stringify({ message: 'call_failed', error: String(error) }))
    const failure: DeleteUserFailure = {
      ok: false,
      status: 500,
      error: 'server_error',
      error_description: 'the Identity Worker returned no outcome',
    }
    return error instanceof TypeError ? failure : { ...failure, retryAfter: 1 }
  }
}

/** With up to half of it more, so that several callers do not come back at the same moment. */
function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1_000 * (1 + Math.random() / 2)))
}
