/**
 * What can this Worker do to the data? One thing: remove a user, in one D1 batch, which is one round trip and one
 * transaction. A batch cannot branch, so its statements depend on each other through the deletion record: the first
 * writes it only where the deletion is right, the next ones delete whom it names, the last says what came of it.
 *
 * The statements are Drizzle's, compiled once at module load; the bare client sends them, which keeps D1's `meta`.
 */
import { and, eq, sql, type Column, type Placeholder, type SQL } from 'drizzle-orm'
import { alias } from 'drizzle-orm/sqlite-core'
import { makeTimeoutError, toDatabaseError } from './database-errors'
import { IdentityError, type Reason } from './errors'
import type { DatabaseUse } from './log'
import {
  caller,
  inactivityOfCaller,
  kindOfCaller,
  namesOne,
  permittedCaller,
  takesLastAdministrator,
  target,
} from './permissions'
import { groupMembers, organizationUsers, userDeletions } from './schema'
import { compile, type Statement } from './statement'
import { limitTime } from './time-limit'

/** A removal: who asks for whom, and what its record holds beside. */
export interface Removal {
  /** A fresh ID. A repeated attempt carries the same one, so it finds what an earlier attempt has done. */
  readonly deletionID: string
  readonly subject: string
  readonly organizationID: string | null
  readonly userID: string | null
  readonly requestID: string
  readonly idempotencyKey: string | null
}

/** What the statements of one attempt bind. */
interface Attempt extends Removal {
  /** Unix milliseconds at which the attempt began, which also tells its record from that of an earlier attempt. */
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

const groupMember = alias(groupMembers, 'gm')

const placeholder = (name: keyof Attempt): Placeholder => sql.placeholder(name)

const isTarget = and(
  eq(target.id, placeholder('userID')),
  eq(target.organizationID, placeholder('organizationID')),
)

/** The record of a deletion, where one is looked for. */
const deletion = alias(userDeletions, 'd')
const isThisDeletion = eq(deletion.id, placeholder('deletionID'))

const record: readonly (readonly [Column, SQL])[] = [
  [userDeletions.id, sql`${placeholder('deletionID')}`],
  [userDeletions.organizationID, sql`${target.organizationID}`],
  [userDeletions.organizationUserID, sql`${target.id}`],
  [userDeletions.userID, sql`${target.userID}`],
  [userDeletions.actorKind, caller.kind],
  [userDeletions.actorSubject, sql`${placeholder('subject')}`],
  [
    userDeletions.groupsRemoved,
    sql`(select count(*) from ${groupMembers} ${groupMember} where ${eq(groupMember.organizationUserID, target.id)})`,
  ],
  [userDeletions.requestID, sql`${placeholder('requestID')}`],
  [userDeletions.idempotencyKey, sql`${placeholder('idempotencyKey')}`],
  [userDeletions.deletedAt, sql`${placeholder('deletedAt')}`],
]

/** Writes the record where caller, permission and target are right. A conflict: this ID or key has its record already. */
function recordDeletion(...conditions: SQL[]): SQL {
  return sql`insert into ${userDeletions} (${sql.join(
    record.map(([column]) => sql.identifier(column.name)),
    sql`, `,
  )})
    select ${sql.join(
      record.map(([, value]) => value),
      sql`, `,
    )}
    from ${organizationUsers} ${target} cross join (${permittedCaller}) caller
    where ${and(isTarget, namesOne, ...conditions)}
    on conflict do nothing`
}

/**
 * Whom the record of this attempt names; nobody, where it wrote none. Where an earlier attempt did, whose answer was lost,
 * the user is gone, and whoever has been given the same ID since then is somebody else.
 */
const recordedUser = sql`(select ${deletion.organizationUserID} from ${userDeletions} ${deletion}
  where ${and(isThisDeletion, eq(deletion.deletedAt, placeholder('deletedAt')))})`

/** Before the user, though a cascade would do it too: deleting them by their key reads fewer rows. */
const deleteMemberships = sql`delete from ${groupMembers} as ${groupMember} where ${groupMember.organizationUserID} = ${recordedUser}`

const deleteUser = sql`delete from ${organizationUsers} where ${organizationUsers.id} = ${recordedUser}`

const hasReplay = sql`exists (select 1 from ${userDeletions} ${deletion} where ${and(
  eq(deletion.idempotencyKey, placeholder('idempotencyKey')),
  eq(deletion.actorSubject, placeholder('subject')),
  eq(deletion.organizationID, placeholder('organizationID')),
  eq(deletion.organizationUserID, placeholder('userID')),
)})`

const when = (condition: SQL, outcome: RemovalResult['outcome']): SQL =>
  sql`iif(${condition}, ${sql.param(outcome)}, null)`

/** The checks in their order: the first that applies is the outcome. What passes all was the last administrator. */
const checks = [
  when(sql`${deletion.id} is not null`, 'deleted'),
  when(sql`${kindOfCaller} is null`, 'caller_unknown'),
  inactivityOfCaller,
  when(hasReplay, 'replayed'),
  when(sql`not exists (${permittedCaller})`, 'not_permitted'),
  when(
    sql`not exists (select 1 from ${organizationUsers} ${target} where ${isTarget})`,
    'user_not_found',
  ),
  sql.param('last_administrator'),
]

const reportOutcome = sql`select
  coalesce(${sql.join(checks, sql`, `)}) as outcome,
  coalesce(${deletion.actorKind}, ${kindOfCaller}) as actorKind,
  ${deletion.groupsRemoved} as groupsRemoved
  from (select 1) left join ${userDeletions} ${deletion} on ${isThisDeletion}`

type Batch = readonly Statement<keyof Attempt>[]

const afterRecord: Batch = [deleteMemberships, deleteUser, reportOutcome].map(
  compile<keyof Attempt>,
)
const BATCH: Batch = [compile(recordDeletion()), ...afterRecord]
const BATCH_KEEPING_ADMINISTRATOR: Batch = [
  compile(recordDeletion(sql`not (${takesLastAdministrator})`)),
  ...afterRecord,
]

/**
 * Removes a user from an organization and from all its groups, if the caller may.
 *
 * @param keepLastAdministrator whether an organization that has an administrator keeps one
 * @param onUse receives what the database did after each attempt, also after a failed one
 * @throws IdentityError if D1 fails or does not respond in time
 */
export async function removeUser(
  db: D1Database,
  removal: Removal,
  keepLastAdministrator: boolean,
  onUse: (use: DatabaseUse) => void,
): Promise<RemovalResult> {
  const batch = keepLastAdministrator ? BATCH_KEEPING_ADMINISTRATOR : BATCH
  return retryTransient(async (attempt) => {
    onUse({ attempts: attempt })
    const values: Attempt = { ...removal, deletedAt: Date.now() }
    const statements = batch.map(({ sql, names }) =>
      db.prepare(sql).bind(...names.map((name) => values[name])),
    )
    const results = await sendBatch(db, statements)
    onUse({ attempts: attempt, ...sumMeta(results) })
    return readReport(results.at(-1)?.results[0], keepLastAdministrator)
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
function readReport(row: unknown, keepLastAdministrator: boolean): RemovalResult {
  const { outcome, actorKind, groupsRemoved } = (row ?? {}) as Record<string, unknown>
  const known = OUTCOMES.find((name) => name === outcome) ?? readInactivity(outcome)
  const isPossible =
    known !== undefined && (known !== 'last_administrator' || keepLastAdministrator)
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
