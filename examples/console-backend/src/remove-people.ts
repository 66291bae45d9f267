/**
 * Removes several people, a few at a time. Each is a call of its own, so one who cannot be removed delays no other.
 */
import pMap from 'p-map'
import type { DeleteUserFailure } from '../../../src/identity'
import type { Removal } from './read-removal'
import { removePerson, type IdentityBinding } from './remove-person'
import type { Trace } from './trace'

/** Calls at the same time. */
const CONCURRENCY = 4

/** What happened to one person. */
export interface PersonReport {
  readonly userID: string
  readonly result: 'removed' | 'already_gone' | 'not_found' | 'refused' | 'failed'
  /** Calls of the Identity Worker. */
  readonly attempts: number
  /** What the Identity Worker said, if the person could not be removed. */
  readonly error?: string
  readonly error_description?: string
  /** Seconds after which the page may repeat the call, with the same Idempotency-Key. */
  readonly retryAfter?: number
}

/** Removes all of them and reports in the order of the request. Never rejects for one of them. */
export function removePeople(
  identity: IdentityBinding,
  { userIDs, absentIsDone, ...shared }: Removal,
  { requestID, traceparent }: Trace,
): Promise<PersonReport[]> {
  return pMap(
    userIDs,
    async (userID): Promise<PersonReport> => {
      const request = { ...shared, userID, requestID, traceparent }
      const { outcome, attempts } = await removePerson(identity, request)
      if (outcome.ok) return { userID, result: 'removed', attempts }
      const result = classify(outcome, absentIsDone)
      if (result === 'already_gone') return { userID, result, attempts }
      const { error, error_description, retryAfter } = outcome
      const report = { userID, result, attempts, error, error_description }
      return retryAfter === undefined ? report : { ...report, retryAfter }
    },
    { concurrency: CONCURRENCY },
  )
}

/** An error that a later version may add is a failure. */
function classify({ error }: DeleteUserFailure, absentIsDone: boolean): PersonReport['result'] {
  switch (error) {
    case 'not_found':
      return absentIsDone ? 'already_gone' : 'not_found'
    case 'access_denied':
    case 'forbidden':
      return 'refused'
    default:
      return 'failed'
  }
}
