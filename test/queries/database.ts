/**
 * The tables in Node's SQLite, and the compiled statements of a deletion on them.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import type { Attempt } from '../../src/database'
import {
  deleteMemberships,
  deleteUser,
  recordDeletion,
  recordDeletionKeepingAdministrator,
  reportOutcome,
} from '../../src/statements'

export type Row = Readonly<Record<string, string | number | null>>

/** The values of one deletion; settings are off by default. */
type Deletion = Partial<Attempt> & Pick<Attempt, 'subject' | 'organizationID' | 'userID'>

export type TestDatabase = ReturnType<typeof createDatabase>

/**
 * A migrated database in memory.
 *
 * @param maxBytes the maximum of bytes in a text or a row; D1 has 2,000,000
 */
export function createDatabase(maxBytes = 1_000_000_000) {
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
  function insert(table: string, row: Row): void {
    const columns = Object.keys(row)
    const marks = columns.map(() => '?')
    run(`INSERT INTO ${table} (${columns.join()}) VALUES (${marks.join()})`, ...Object.values(row))
  }

  /** Runs the batch of one deletion, and returns the row that it reports. */
  function callBatch(deletion: Deletion): Row {
    const settings = { keepLastAdministrator: false, membersMayLeave: false, recordGroups: false }
    const ids = { deletionID: 'deletion', requestID: 'request', idempotencyKey: null }
    const values = { ...ids, deletedAt: 1, ...settings, ...deletion }
    const batch = [
      deletion.keepLastAdministrator ? recordDeletionKeepingAdministrator : recordDeletion,
      deleteMemberships,
      deleteUser,
      reportOutcome,
    ]
    const results = batch.map(({ sql, names }) =>
      run(sql, ...names.map((name) => bind(values[name]))),
    )
    return results.at(-1)![0]!
  }

  return { run, insert, callBatch, exec: (sql: string) => db.exec(sql) }
}

/** Unlike D1, Node's SQLite binds no booleans. */
function bind(value: SQLInputValue | boolean): SQLInputValue {
  return typeof value === 'boolean' ? Number(value) : value
}
