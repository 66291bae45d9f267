/**
 * Every way in which D1 can fail a deletion, and what must come of it. The table of docs/reliability.md is made of what
 * these cases are seen to do.
 */
import type { DatabaseFault, Plan } from './rig/plan'

/** What the database holds of the user afterwards. */
export type Aftermath = 'as before' | 'user removed, one record'

/** One fault and the right outcome. */
export interface DatabaseCase {
  readonly fault: string
  readonly plan: Plan
  readonly status: 200 | 500
  /** Of the log line; none where the deletion succeeds. */
  readonly reason?: string
  readonly attempts: 1 | 2 | 3
  /** In seconds; `midnight` is the time until the next day begins in UTC. */
  readonly retryAfter?: number | 'midnight'
  readonly after: Aftermath
}

const LOST = 'Network connection lost.'

/** What D1 says of itself in the hope that asking again helps. */
const TRANSIENT = [
  'D1 DB reset because its code was updated.',
  'Internal error while starting up D1 DB storage caused object to be reset.',
  LOST,
  'Internal error in D1 DB storage caused object to be reset.',
  'Cannot resolve D1 DB due to transient issue on remote node.',
  "Can't read from request stream because client disconnected.",
]

/** What D1 says when it has too much to do: asking again at once makes it worse. */
const OVERLOADED = [
  'D1 DB storage operation exceeded timeout which caused object to be reset.',
  'D1 DB is overloaded. Requests queued for too long.',
  'D1 DB is overloaded. Too many requests queued.',
  "D1 DB's isolate exceeded its memory limit and was reset.",
  'D1 DB exceeded its CPU time limit and was reset.',
]

/** What stays wrong however often it is asked. */
const LASTING = [
  'D1_ERROR: UNIQUE constraint failed: t.c: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_UNIQUE)',
  'internal error; reference = 0123456789abcdef',
  'something that nobody has documented',
]

const QUOTA = ['read', 'write'].map(
  (kind) =>
    `Your account has exceeded D1's free tier daily row ${kind} limit. It resets at 00:00 UTC.`,
)

type Faults = readonly DatabaseFault[]

const times = (count: number, fault: DatabaseFault): Faults =>
  Array.from({ length: count }, () => fault)

const before: DatabaseFault = { at: 'before', message: LOST }
const after: DatabaseFault = { at: 'after', message: LOST }
const REMOVED = 'user removed, one record'

/** D1 answers at the attempt after these faults. */
function recovers(fault: string, database: Faults): DatabaseCase {
  const attempts = (database.length + 1) as 2 | 3
  return { fault, plan: { database }, status: 200, attempts, after: REMOVED }
}

function fails(
  fault: string,
  database: Faults,
  reason: string,
  rest: Pick<DatabaseCase, 'attempts' | 'retryAfter' | 'after'>,
): DatabaseCase {
  return { fault, plan: { database }, status: 500, reason, ...rest }
}

/** Every attempt fails in a way that passes. */
function staysAway(fault: string, each: DatabaseFault, aftermath: Aftermath): DatabaseCase {
  const rest = { attempts: 3, retryAfter: 2, after: aftermath } as const
  return fails(fault, times(3, each), 'database_unavailable', rest)
}

/** No answer comes in time. */
function isLate(fault: string, database: Faults, aftermath: Aftermath): DatabaseCase {
  const attempts = Math.min(database.length, 2) as 1 | 2
  return fails(fault, database, 'database_timeout', { attempts, retryAfter: 2, after: aftermath })
}

/** Asking again at once does not help, so nobody does. */
function isAskedOnce(message: string, reason: string, retryAfter?: number | 'midnight') {
  const rest = { attempts: 1, after: 'as before' } as const
  const database = times(3, { at: 'before', message })
  return fails(
    `“${message}”`,
    database,
    reason,
    retryAfter === undefined ? rest : { ...rest, retryAfter },
  )
}

/** Where one attempt can fail, in the order of its way. */
const POINTS: readonly { readonly what: string; readonly fault: DatabaseFault }[] = [
  { what: 'D1 is gone before it gets the batch', fault: before },
  ...[0, 1, 2, 3, 4].map((statements) => ({
    what: `D1 breaks off after ${statements} of the batch's statements`,
    fault: { at: 'inside', statements, message: LOST } as const,
  })),
  { what: 'The answer is lost after the commit', fault: after },
]

const recovering = ['first attempt', 'first two attempts'].flatMap((which, index) =>
  POINTS.map(({ what, fault }) => recovers(`${what}, at the ${which}`, times(index + 1, fault))),
)

const LATE_MS = 1_500

const lasting = [
  recovers(`The first attempt is lost on its way and done ${LATE_MS} ms later, after the second`, [
    { ...after, delayMs: LATE_MS },
  ]),
  staysAway(
    `Each attempt is lost on its way and done ${LATE_MS} ms later`,
    { ...after, delayMs: LATE_MS },
    REMOVED,
  ),
  recovers('D1 is gone, then its answer is lost after the commit', [before, after]),
  ...POINTS.map(({ what, fault }) =>
    staysAway(`${what}, at each attempt`, fault, fault === after ? REMOVED : 'as before'),
  ),
  fails(
    'The answer is lost after the commit, then D1 fails for good',
    [after, { at: 'before', message: 'anything' }],
    'database_failed',
    { attempts: 2, after: REMOVED },
  ),
]

const hanging = [
  isLate('D1 hangs and does nothing', [{ at: 'hang' }], 'as before'),
  isLate('D1 commits and hangs', [{ at: 'hang after' }], REMOVED),
  isLate(
    'D1 commits a second after the caller got its answer',
    [{ at: 'hang after', delayMs: 6_000 }],
    REMOVED,
  ),
  isLate('D1 is gone, then it hangs', [before, { at: 'hang' }], 'as before'),
  isLate('The answer is lost after the commit, then D1 hangs', [after, { at: 'hang' }], REMOVED),
  isLate(
    'Each attempt takes three seconds to fail',
    times(3, { ...before, delayMs: 3_000 }),
    'as before',
  ),
]

const unmigrated: DatabaseCase = {
  fault: 'The migrations were never applied',
  plan: { unmigrated: true },
  status: 500,
  reason: 'database_not_migrated',
  attempts: 1,
  after: 'as before',
}

/** All of them, in the order of the table. */
export const databaseCases: readonly DatabaseCase[] = [
  ...recovering,
  ...lasting,
  ...hanging,
  ...TRANSIENT.flatMap((message) => [
    recovers(`“${message}”, once`, [{ at: 'before', message }]),
    staysAway(
      `“D1_ERROR: ${message}”, at each attempt`,
      { at: 'before', message: `D1_ERROR: ${message}` },
      'as before',
    ),
  ]),
  ...OVERLOADED.map((message) => isAskedOnce(message, 'database_overloaded', 2)),
  ...QUOTA.map((message) => isAskedOnce(message, 'database_quota_exceeded', 'midnight')),
  ...LASTING.map((message) => isAskedOnce(message, 'database_failed')),
  unmigrated,
]
