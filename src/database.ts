/**
 * Sends the deletion to D1: one batch, which is one round trip and one transaction. The statements are compiled from
 * `queries/deletion.ts`, which says how they depend on each other.
 */
import { makeTimeoutError, toDatabaseError } from './database-errors'
import { IdentityError, type Reason } from './errors'
import type { DatabaseUse } from './log'
import {
  deleteMemberships,
  deleteUser,
  recordDeletion,
  recordDeletionKeepingAdministrator,
  reportOutcome,
} from './statements'
import { limitTime } from './time-limit'

/** A removal: the caller, the user, and what else its record holds. */
export interface Removal {
  /** A fresh ID. A repeated attempt has the same one, so it finds what an earlier attempt has done. */
  readonly deletionID: string
  readonly subject: string
  readonly organizationID: string | null
  readonly userID: string | null
  readonly requestID: string
  readonly idempotencyKey: string | null
}

/** Settings of a removal. */
export interface RemovalSettings {
  /** Whether an organization that has an administrator keeps one. */
  readonly keepLastAdministrator: boolean
  /** Whether a member may delete its own organization user. */
  readonly membersMayLeave: boolean
  /** Whether the record holds the state of the membership and the IDs of its groups. */
  readonly recordGroups: boolean
}

/** The values that the statements of one attempt bind. */
export interface Attempt extends Removal, RemovalSettings {
  /** Unix milliseconds at which the attempt began. It tells its record from that of an earlier attempt. */
  readonly deletedAt: number
}

/** How a removal can end: `deleted` now, `replayed` from the record with the same idempotency key, or a refusal. */
const OUTCOMES = [
  'deleted',
  'replayed',
  'caller_unknown',
  'caller_pending',
  'caller_suspended',
  'not_permitted',
  'user_not_found',
  'last_administrator',
] as const satisfies readonly ('deleted' | 'replayed' | Reason)[]

/** What the batch reports. */
export interface RemovalResult {
  readonly outcome: (typeof OUTCOMES)[number]
  readonly actorKind: 'user' | 'service_account' | null
  readonly groupsRemoved: number | null
}

/** Statements as D1 takes them: `names` are the values that they bind, the first one for `?1`. */
type Batch = readonly { readonly sql: string; readonly names: readonly (keyof Attempt)[] }[]

/**
 * Removes a user from an organization and from all its groups, if the caller may.
 *
 * @param onUse receives what the database did after each attempt, also after a failed one
 * @throws IdentityError if D1 fails or does not respond in time
 */
export async function removeUser(
  db: D1Database,
  removal: Removal,
  settings: RemovalSettings,
  onUse: (use: DatabaseUse) => void,
): Promise<RemovalResult> {
  const batch: Batch = [
    settings.keepLastAdministrator ? recordDeletionKeepingAdministrator : recordDeletion,
    deleteMemberships,
    deleteUser,
    reportOutcome,
  ]
  return retryTransient(async (attempt) => {
    onUse({ attempts: attempt })
    const values: Attempt = { ...removal, ...settings, deletedAt: Date.now() }
    const statements = batch.map(({ sql, names }) =>
      db.prepare(sql).bind(...names.map((name) => values[name])),
    )
    const results = await sendBatch(db, statements)
    onUse({ attempts: attempt, ...sumMeta(results) })
    return readReport(results.at(-1)?.results[0], settings)
  })
}

async function sendBatch(db: D1Database, statements: D1PreparedStatement[]): Promise<D1Result[]> {
  try {
    return await db.batch(statements)
  } catch (thrown) {
    throw toDatabaseError(thrown)
  }
}

const TOTAL_TIMEOUT_MS = 5_000
/** Before the second and the third attempt. Each pause is random: between half of it and all of it. */
const PAUSES_MS = [100, 400]

/** Makes up to three attempts while they fail in a transient way, within 5 s in all. A late attempt may still commit. */
function retryTransient<T>(makeAttempt: (attempt: number) => Promise<T>): Promise<T> {
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
    throw makeTimeoutError()
  })
}

function isTransient(error: unknown): boolean {
  return error instanceof IdentityError && error.reason === 'database_unavailable'
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Checks the report: a later migration or a trigger of others can make the database return what this code does not know. */
function readReport(row: unknown, settings: RemovalSettings): RemovalResult {
  const { outcome, actorKind, groupsRemoved } = (row ?? {}) as Record<string, unknown>
  const known = OUTCOMES.find((name) => name === outcome) ?? readInactivity(outcome)
  const isPossible =
    known !== undefined && (known !== 'last_administrator' || settings.keepLastAdministrator)
  const isActor = actorKind === 'user' || actorKind === 'service_account' || actorKind === null
  const isCount = typeof groupsRemoved === 'number' || groupsRemoved === null
  if (!isPossible || !isActor || !isCount) {
    throw new IdentityError('database_failed', { cause: new Error('impossible report') })
  }
  return { outcome: known, actorKind, groupsRemoved }
}

/** A state of a user that this code does not know counts as not active. */
function readInactivity(outcome: unknown): 'caller_suspended' | undefined {
  return String(outcome).startsWith('caller_') ? 'caller_suspended' : undefined
}

function sumMeta(results: readonly D1Result[]): Omit<DatabaseUse, 'attempts'> {
  let [sqlMs, rowsRead, rowsWritten] = [0, 0, 0]
  for (const { meta } of results) {
    sqlMs += meta.timings?.sql_duration_ms ?? meta.duration
    rowsRead += meta.rows_read
    rowsWritten += meta.rows_written
  }
  const region = results[0]?.meta.served_by_region
  return { sqlMs, rowsRead, rowsWritten, ...(region === undefined ? {} : { region }) }
}
