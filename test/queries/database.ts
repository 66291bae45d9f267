/**
 * The tables in Node's SQLite, and the compiled statements of a deletion run on them.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import {
  deleteMemberships,
  deleteUser,
  recordDeletion,
  recordDeletionKeepingAdministrator,
  reportOutcome,
} from '../../src/statements'

export type Row = Readonly<Record<string, string | number | null>>

/** What a test says of one deletion; settings are off unless it says otherwise. */
export interface Deletion {
  readonly subject: string
  readonly organizationID: string
  readonly userID: string
  readonly deletionID?: string
  readonly deletedAt?: number
  readonly keepLastAdministrator?: boolean
  readonly membersMayLeave?: boolean
  readonly recordGroups?: boolean
}

/** A migrated database. */
export interface TestDatabase {
  readonly run: (sql: string, ...values: SQLInputValue[]) => Row[]
  readonly exec: (sql: string) => void
  readonly insert: (table: string, row: Row) => void
  /** Runs the batch of one deletion, and returns the row that it reports. */
  readonly callBatch: (deletion: Deletion) => Row
}

/**
 * A migrated database in memory.
 *
 * @param maxBytes the most bytes of a text or a row; D1 has 2,000,000
 */
export function createDatabase(maxBytes = 1_000_000_000): TestDatabase {
  const db = new DatabaseSync(':memory:', { limits: { length: maxBytes } })
  for (const file of readdirSync('migrations').toSorted()) {
    db.exec(readFileSync(join('migrations', file), 'utf8'))
  }
  const prepared = new Map<string, ReturnType<typeof db.prepare>>()
  function run(sql: string, ...values: SQLInputValue[]): Row[] {
    const statement = prepared.get(sql) ?? db.prepare(sql)
    prepared.set(sql, statement)
    return statement.all(...values) as Row[]
  }
  return {
    run,
    exec: (sql) => db.exec(sql),
    insert(table, row) {
      const columns = Object.keys(row)
      const marks = columns.map(() => '?')
      run(
        `INSERT INTO ${table} (${columns.join()}) VALUES (${marks.join()})`,
        ...Object.values(row),
      )
    },
    callBatch(deletion) {
      const values = {
        deletionID: 'deletion',
        requestID: 'request',
        idempotencyKey: null,
        deletedAt: 1,
        ...deletion,
        keepLastAdministrator: Number(deletion.keepLastAdministrator ?? false),
        membersMayLeave: Number(deletion.membersMayLeave ?? false),
        recordGroups: Number(deletion.recordGroups ?? false),
      }
      const batch = [
        deletion.keepLastAdministrator ? recordDeletionKeepingAdministrator : recordDeletion,
        deleteMemberships,
        deleteUser,
        reportOutcome,
      ]
      const results = batch.map(({ sql, names }) => run(sql, ...names.map((name) => values[name])))
      return results.at(-1)![0]!
    },
  }
}
