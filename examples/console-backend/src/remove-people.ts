/**
 * Removes several people, a few at a time, and repeats calls that failed. Each person is one call of the Identity Worker,
 * so a failure of one does not affect the others.
 */
import pMap from 'p-map'
import type { DeleteUserOutcome, DeleteUserRequest, Identity } from '../../../src/identity'
import type { Removal } from './read-removal'
import type { Trace } from './trace'

const CONCURRENCY = 4
const MAX_ATTEMPTS = 3
/** A longer pause is left to the caller, who waits at a page. */
const MAX_PAUSE_S = 5

/** The part of the binding that the backend uses; a test passes an object with this one method. */
export type IdentityBinding = Pick<Identity, 'deleteUser'>

/** The result for one person. */
export interface PersonReport {
  readonly userID: string
  readonly result: 'removed' | 'already_gone' | 'not_found' | 'refused' | 'failed'
  /** The number of calls of the Identity Worker. */
  readonly attempts: number
  readonly error?: string
  readonly error_description?: string
  /** Seconds after which the page may repeat the call, with the same Idempotency-Key. */
  readonly retryAfter?: number
}

/** Removes people and reports in the order of the request. Never rejects because of one person. */
export function removePeople(
  identity: IdentityBinding,
  { userIDs, absentIsDone, ...shared }: Removal,
  { requestID, traceparent }: Trace,
): Promise<PersonReport[]> {
  const remove = async (userID: string): Promise<PersonReport> => {
    const request = { ...shared, userID, requestID, traceparent }
    const { outcome, attempts } = await removePerson(identity, request)
    const result = classify(outcome, absentIsDone)
    if (outcome.ok || result === 'already_gone') return { userID, result, attempts }
    const { error, error_description, retryAfter } = outcome
    const retry = retryAfter === undefined ? {} : { retryAfter }
    return { userID, result, attempts, error, error_description, ...retry }
  }
  return pMap(userIDs, remove, { concurrency: CONCURRENCY })
}

/** A later version can add errors; they count as failures. */
function classify(outcome: DeleteUserOutcome, absentIsDone: boolean): PersonReport['result'] {
  if (outcome.ok) return 'removed'
  switch (outcome.error) {
    case 'not_found':
      return absentIsDone ? 'already_gone' : 'not_found'
    case 'access_denied':
    case 'forbidden':
      return 'refused'
    default:
      return 'failed'
  }
}

/**
 * Calls until there is a success, a refusal, or a failure that does not say when to retry. Every attempt has the same
 * idempotency key, so a removal whose response was lost still ends as a removal, not as a 404.
 */
async function removePerson(
  identity: IdentityBinding,
  request: DeleteUserRequest & { readonly idempotencyKey: string },
): Promise<{ outcome: DeleteUserOutcome; attempts: number }> {
  for (let attempts = 1; ; attempts++) {
    const outcome = await call(identity, request)
    const retryAfter = outcome.ok ? 0 : (outcome.retryAfter ?? Infinity)
    if (outcome.ok || attempts === MAX_ATTEMPTS || retryAfter > MAX_PAUSE_S)
      return { outcome, attempts }
    // Up to a half more, so that several callers do not repeat their calls at the same moment.
    const ms = retryAfter * 1_000 * (1 + Math.random() / 2)
    await new Promise((resolve) => setTimeout(resolve, ms))
  }
}

/**
 * The outcome, or a failure if there is none: the Identity Worker was replaced during the call, or the binding leads to
 * another Worker. A TypeError is a fault of this program, so a retry cannot help.
 */
async function call(
  identity: IdentityBinding,
  request: DeleteUserRequest,
): Promise<DeleteUserOutcome> {
  try {
    const outcome = await identity.deleteUser(request)
    if (outcome.ok || typeof outcome.error === 'string') return outcome
    throw new TypeError('The binding IDENTITY returned no outcome')
  } catch (error) {
    console.error(JSON.stringify({ message: 'call_failed', error: String(error) }))
    return {
      ok: false,
      status: 500,
      error: 'server_error',
      error_description: 'the Identity Worker returned no outcome',
      ...(error instanceof TypeError ? {} : { retryAfter: 1 }),
    }
  }
}
