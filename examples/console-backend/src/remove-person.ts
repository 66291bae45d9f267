/**
 * How is one person removed although something fails on the way? A failure that a retry can mend is tried again with the
 * same idempotency key: then an answer that was lost after the deletion still ends as a deletion, and not as a 404.
 */
import type {
  DeleteUserFailure,
  DeleteUserOutcome,
  DeleteUserRequest,
  Identity,
} from '../../../src/identity'

const MAX_ATTEMPTS = 3
/** Whoever waits at the page waits no longer than this between two attempts. */
const MAX_PAUSE_S = 5

/** The answer of the last attempt. */
export interface PersonOutcome {
  readonly outcome: DeleteUserOutcome
  readonly attempts: number
}

/** A request that can be repeated. */
export type RepeatableRequest = DeleteUserRequest & { readonly idempotencyKey: string }

/** Removes one person. Never rejects: what the binding throws is a failure as well. */
export async function removePerson(
  identity: Service<Identity>,
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

/** Refusals are final, and so is a failure that does not say when to come back. */
function isWorthARetry({ retryAfter }: DeleteUserFailure): boolean {
  return retryAfter !== undefined && retryAfter <= MAX_PAUSE_S
}

/**
 * The outcome, also where the binding throws: the Identity Worker was replaced in the middle of the call, or is not
 * there. A TypeError says that this program is wrong, and trying again does not mend it.
 */
async function call(
  identity: Service<Identity>,
  request: RepeatableRequest,
): Promise<DeleteUserOutcome> {
  try {
    return await identity.deleteUser(request)
  } catch (error) {
    console.error(JSON.stringify({ message: 'call_failed', error: String(error) }))
    const failure: DeleteUserFailure = {
      ok: false,
      status: 500,
      error: 'server_error',
      error_description: 'the identity Worker gave no answer',
    }
    return error instanceof TypeError ? failure : { ...failure, retryAfter: 1 }
  }
}

/** With up to half of it more, so that several callers do not come back at the same moment. */
function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1_000 * (1 + Math.random() / 2)))
}
