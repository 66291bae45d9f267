/**
 * How does the database fail, and when is it asked again? Tells D1's transient errors from lasting ones by the texts
 * that Cloudflare documents, and repeats what is transient. Knows nothing of what is asked: whoever calls makes sure
 * that asking twice does no harm.
 */
import { IdentityError, type Reason } from './errors'
import { within } from './within'

const TOTAL_TIMEOUT_MS = 5_000
/** Before the second and the third attempt; each pause is drawn from between half of it and all of it. */
const PAUSES_MS = [100, 400]
const RETRY_AFTER_S = 2
const DAY_MS = 24 * 60 * 60 * 1_000

/**
 * What D1 says, by the advice that comes with it. An error passes with or without a `D1_ERROR` before it, and a cause
 * or none, so these are searched for in the message.
 *
 * @see https://developers.cloudflare.com/d1/observability/debug-d1/
 */
const FAULTS: readonly (readonly [reason: Reason, texts: readonly string[]])[] = [
  [
    'database_overloaded',
    [
      'D1 DB is overloaded',
      'storage operation exceeded timeout',
      'exceeded its memory limit',
      'exceeded its CPU time limit',
    ],
  ],
  [
    'database_unavailable',
    [
      'reset because its code was updated',
      'caused object to be reset',
      'Network connection lost',
      'Cannot resolve D1 DB due to transient issue',
      "Can't read from request stream because client disconnected",
    ],
  ],
  ['database_quota_exceeded', ["exceeded D1's free tier daily row"]],
  ['database_not_migrated', ['no such table', 'no such column', 'has no column named']],
]

/** The error of a database call as an IdentityError. Only `database_unavailable` is worth asking again at once. */
function toDatabaseError(thrown: unknown): IdentityError {
  if (thrown instanceof IdentityError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  const [reason] = FAULTS.find(([, texts]) => texts.some((text) => message.includes(text))) ?? []
  return new IdentityError(reason ?? 'database_failed', undefined, findRetryAfter(reason))
}

/** Seconds after which a retry can help; the free tier's quota starts anew at midnight UTC. */
function findRetryAfter(reason: Reason | undefined): number | undefined {
  if (reason === 'database_quota_exceeded')
    return Math.ceil((DAY_MS - (Date.now() % DAY_MS)) / 1_000)
  const passes = reason === 'database_unavailable' || reason === 'database_overloaded'
  return passes ? RETRY_AFTER_S : undefined
}

/**
 * What `call` answers, asked up to three times while it fails in a transient way, within five seconds in all. A call
 * that is given up may still have its effect.
 *
 * @param call one database call, given the number of the attempt, which starts at 1
 * @throws IdentityError for the last failure, or `database_timeout`
 */
export function retryTransient<T>(call: (attempt: number) => Promise<T>): Promise<T> {
  let isLate = false
  async function run(attempt: number): Promise<T> {
    try {
      return await call(attempt)
    } catch (thrown) {
      const error = toDatabaseError(thrown)
      const pauseMs = PAUSES_MS[attempt - 1]
      if (error.reason !== 'database_unavailable' || pauseMs === undefined) throw error
      await pause(pauseMs * (0.5 + Math.random() / 2))
      if (isLate) throw error
      return run(attempt + 1)
    }
  }
  return within(TOTAL_TIMEOUT_MS, run(1), () => {
    isLate = true
    throw new IdentityError('database_timeout', undefined, RETRY_AFTER_S)
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
