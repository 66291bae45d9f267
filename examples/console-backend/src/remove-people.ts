/**
 * How are several people removed? A few at a time, each by a call of its own, so that one who cannot be removed holds up
 * nobody else.
 */
import pMap from 'p-map'
import type { DeleteUserFailure, Identity } from '../../../src/identity'
import type { Removal } from './read-removal'
import { removePerson } from './remove-person'
import type { Trace } from './trace'

/** Calls that are under way at the same time. */
const CONCURRENCY = 4

/** How it went for one person. */
export interface PersonReport {
  readonly userID: string
  readonly result: 'removed' | 'already_gone' | 'not_found' | 'refused' | 'failed'
  /** How often the Identity Worker was called. */
  readonly attempts: number
  /** What the Identity Worker said, where the person could not be removed. */
  readonly error?: string
  readonly error_description?: string
  /** Seconds after which the page may try once more, with the same Idempotency-Key. */
  readonly retryAfter?: number
}

/** Removes them all, and reports in the order asked for. Never rejects for what happens to one of them. */
export function removePeople(
  identity: Service<Identity>,
  { userIDs, absentIsDone, ...shared }: Removal,
  { requestID, traceparent }: Trace,
): Promise<PersonReport[]> {
  return pMap(
    userIDs,
    async (userID): Promise<PersonReport> => {
      const request = { ...shared, userID, requestID, traceparent }
      const { outcome, attempts } = await removePerson(identity, request)
      if (outcome.ok) return { userID, result: 'removed', attempts }
      const result = judge(outcome, absentIsDone)
      if (result === 'already_gone') return { userID, result, attempts }
      const { error, error_description, retryAfter } = outcome
      const report = { userID, result, attempts, error, error_description }
      return retryAfter === undefined ? report : { ...report, retryAfter }
    },
    { concurrency: CONCURRENCY },
  )
}

function judge({ status }: DeleteUserFailure, absentIsDone: boolean): PersonReport['result'] {
  if (status === 404) return absentIsDone ? 'already_gone' : 'not_found'
  return status === 500 ? 'failed' : 'refused'
}
