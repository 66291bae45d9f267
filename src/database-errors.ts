/**
 * Classifies the errors that a D1 batch rejects with, and retries after those that pass. The errors that a retry cannot help
 * are listed; every other error counts as transient, since D1 adds new ones: https://developers.cloudflare.com/d1/observability/debug-d1/
 */
import { IdentityError, type Reason } from './errors'
import { limitTime } from './time-limit'

const RETRY_AFTER_S = 2
/** An export or import lasts minutes at most. */
const BUSY_RETRY_AFTER_S = 10
const DAY_MS = 24 * 60 * 60 * 1_000

interface ErrorClass {
  readonly reason: Reason
  /** Parts of D1's messages. D1 adds a prefix and a code to some, so a message is searched for them. */
  readonly texts: readonly string[]
  /** Seconds until a retry can help; undefined if a retry cannot. */
  readonly findRetryAfter?: () => number
}

const ERROR_CLASSES: readonly ErrorClass[] = [
  {
    reason: 'database_failed',
    texts: [
      'constraint failed',
      'SQLITE_CONSTRAINT',
      'datatype mismatch',
      'cannot store',
      'syntax error',
      'string or blob too big',
      'SQLITE_TOOBIG',
    ],
  },
  {
    reason: 'database_not_migrated',
    texts: ['no such table', 'no such column', 'has no column named'],
  },
  {
    reason: 'database_full',
    texts: [
      'Exceeded maximum DB size',
      'Exceeded maximum account storage',
      'database or disk is full',
    ],
  },
  {
    reason: 'database_quota_exceeded',
    texts: ["exceeded D1's free tier daily row"],
    findRetryAfter: findSecondsToMidnight,
  },
  {
    reason: 'database_busy',
    texts: ['Currently processing a long-running'],
    findRetryAfter: () => BUSY_RETRY_AFTER_S,
  },
  {
    reason: 'database_overloaded',
    texts: [
      'D1 DB is overloaded',
      'storage operation exceeded timeout',
      'exceeded its memory limit',
      'exceeded its CPU time limit',
    ],
    findRetryAfter: () => RETRY_AFTER_S,
  },
]

/** The error of a batch as an IdentityError. Only `database_unavailable` is worth a retry at once. */
export function toDatabaseError(thrown: unknown): IdentityError {
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  const found = ERROR_CLASSES.find(({ texts }) => texts.some((text) => message.includes(text)))
  const { reason, findRetryAfter } = found ?? TRANSIENT
  return new IdentityError(reason, { retryAfter: findRetryAfter?.(), cause: thrown })
}

const TRANSIENT: Omit<ErrorClass, 'texts'> = {
  reason: 'database_unavailable',
  findRetryAfter: () => RETRY_AFTER_S,
}

/** The quota of the free plan starts again at midnight UTC. */
function findSecondsToMidnight(): number {
  return Math.ceil((DAY_MS - (Date.now() % DAY_MS)) / 1_000)
}

const TOTAL_TIMEOUT_MS = 5_000
/** Before the second and the third attempt. Each pause is random: between half of it and all of it. */
const PAUSES_MS = [100, 400]

/**
 * Makes up to three attempts while they fail in a transient way, within 5 s in all. A late attempt may still commit.
 *
 * @param makeAttempt gets the number of the attempt, from 1
 * @throws IdentityError `database_timeout`, or whatever the last attempt throws
 */
export function retryTransient<T>(makeAttempt: (attempt: number) => Promise<T>): Promise<T> {
  let isLate = false
  async function run(attempt: number): Promise<T> {
    try {
      return await makeAttempt(attempt)
    } catch (error) {
      const pauseMs = PAUSES_MS[attempt - 1]
      if (!isTransient(error) || pauseMs === undefined) throw error
      await pause(pauseMs * (0.5 + Math.random() / 2))
      if (isLate) throw error
      return run(attempt + 1)
    }
  }
  return limitTime(run(1), TOTAL_TIMEOUT_MS, () => {
    isLate = true
    throw new IdentityError('database_timeout', { retryAfter: RETRY_AFTER_S })
  })
}

function isTransient(error: unknown): boolean {
  return error instanceof IdentityError && error.reason === 'database_unavailable'
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
