/**
 * Sends the deletion to D1: one batch, which is one round trip and one transaction. The statements are compiled from
 * `queries/deletion.ts`, which says how they depend on each other.
 */
import { retryTransient, toDatabaseError } from './database-errors'
import { IdentityError, type Reason } from './errors'
import type { DatabaseUse } from './log'
import {
  deleteMemberships,
  deleteUser,
  insertEvent,
  recordDeletion,
  recordDeletionKeepingAdministrator,
  reportOutcome,
  reportOutcomeAndEvent,
} from './statements'

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
  /** Whether the event of the deletion is to be sent. */
  readonly makeEvents: boolean
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

/** What an event is made from. All of it comes from the record, so two copies of an event are equal byte for byte. */
export interface PendingDeletion {
  readonly id: string
  /** Unix milliseconds. */
  readonly deletedAt: number
  /** `data` of the event as JSON; null if it is too large. */
  readonly data: string | null
}

/** What the batch reports. */
export interface RemovalResult {
  readonly outcome: (typeof OUTCOMES)[number]
  readonly actorKind: 'user' | 'service_account' | null
  readonly groupsRemoved: number | null
  /** What the event of a deletion is made from; undefined without a deletion, or if events are off. */
  readonly event: PendingDeletion | undefined
}

/** The first characters of all deletion IDs of one moment. Earlier IDs sort before them. @param time Unix milliseconds */
export function makeIDPrefix(time: number): string {
  const digits = time.toString(16).padStart(12, '0')
  return `${digits.slice(0, 8)}-${digits.slice(8)}-`
}

/** A compiled statement. `names` are the values that it binds, the first one for `?1`. */
export interface Statement<Name extends string> {
  readonly sql: string
  readonly names: readonly Name[]
}

function prepare<Name extends string>(
  db: D1Database,
  { sql, names }: Statement<Name>,
  values: Readonly<Record<Name, unknown>>,
): D1PreparedStatement {
  return db.prepare(sql).bind(...names.map((name) => values[name]))
}

/**
 * Runs one statement by itself.
 *
 * @throws IdentityError if D1 fails
 */
export async function query<Row, Name extends string = string>(
  db: D1Database,
  statement: Statement<Name>,
  values: Readonly<Record<Name, unknown>>,
): Promise<D1Result<Row>> {
  const prepared = prepare(db, statement, values)
  try {
    return await prepared.all<Row>()
  } catch (thrown) {
    throw toDatabaseError(thrown)
  }
}

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
  const batch: Statement<keyof Attempt>[] = [
    settings.keepLastAdministrator ? recordDeletionKeepingAdministrator : recordDeletion,
    deleteMemberships,
    deleteUser,
    ...(settings.makeEvents ? [insertEvent, reportOutcomeAndEvent] : [reportOutcome]),
  ]
  return retryTransient(async (attempt) => {
    onUse({ attempts: attempt })
    const values: Attempt = { ...removal, ...settings, deletedAt: Date.now() }
    const statements = batch.map((statement) => prepare(db, statement, values))
    const results = await sendBatch(db, statements)
    onUse({ attempts: attempt, ...sumMeta(results) })
    return readReport(results.at(-1)?.results[0], removal, settings)
  })
}

async function sendBatch(db: D1Database, statements: D1PreparedStatement[]): Promise<D1Result[]> {
  try {
    return await db.batch(statements)
  } catch (thrown) {
    throw toDatabaseError(thrown)
  }
}

/** Checks the report. A later migration or a trigger of someone else can make the database return unknown values. */
function readReport(
  row: unknown,
  { deletionID }: Removal,
  { keepLastAdministrator, makeEvents }: RemovalSettings,
): RemovalResult {
  const report = (row ?? {}) as Record<string, unknown>
  const { outcome, actorKind, groupsRemoved } = report
  const known = OUTCOMES.find((name) => name === outcome) ?? readInactivity(outcome)
  const isPossible =
    known !== undefined && (known !== 'last_administrator' || keepLastAdministrator)
  const isActor = actorKind === 'user' || actorKind === 'service_account' || actorKind === null
  const isCount = typeof groupsRemoved === 'number' || groupsRemoved === null
  if (!isPossible || !isActor || !isCount) {
    throw new IdentityError('database_failed', { cause: new Error('impossible report') })
  }
  const event = makeEvents && known === 'deleted' ? readEvent(deletionID, report) : undefined
  return { outcome: known, actorKind, groupsRemoved, event }
}

function readEvent(id: string, { deletedAt, data }: Record<string, unknown>): PendingDeletion {
  return { id, deletedAt: Number(deletedAt), data: typeof data === 'string' ? data : null }
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
