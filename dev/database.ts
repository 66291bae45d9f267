/**
 * A D1 database as local programs use it, the rows of its tables, and the difference between two readings. Runs in
 * Node, in workerd and in browsers.
 */

/** A D1 database: the part of Cloudflare's `D1Database` that this folder uses. */
export interface Database {
  prepare(sql: string): Statement
  batch(statements: readonly Statement[]): Promise<{ readonly results: Row[] }[]>
}

export interface Statement {
  bind(...values: readonly (string | number | null)[]): Statement
  first(): Promise<Row | null>
  all(): Promise<{ readonly results: Row[] }>
  run(): Promise<unknown>
}

export type Row = Readonly<Record<string, string | number | null>>

/** The tables of the identity API, in the order in which changes are shown. */
const TABLES = [
  'organizations',
  'users',
  'organization_users',
  'groups',
  'group_members',
  'group_roles',
  'service_accounts',
  'group_service_accounts',
  'roles',
  'role_permissions',
  'global_role_bindings',
  'user_deletions',
  'deletion_outbox',
] as const

/** Every row of every table at one moment. */
export type Tables = Readonly<Record<(typeof TABLES)[number], readonly Row[]>>

/** The rows of one table that were removed and added; a changed row is both. */
export interface TableChange {
  readonly table: string
  readonly removed: readonly Row[]
  readonly added: readonly Row[]
}

export const NO_ROWS = Object.fromEntries(TABLES.map((table) => [table, []])) as unknown as Tables

/** Reads all tables in one transaction. */
export async function readTables(database: Database): Promise<Tables> {
  const statements = TABLES.map((table) => database.prepare(`SELECT * FROM ${table}`))
  const results = await database.batch(statements)
  const entries = TABLES.map((table, index) => [table, results[index]?.results ?? []])
  return Object.fromEntries(entries) as Tables
}

/** The tables that differ, except the outbox, which is empty again as soon as an event is sent. */
export function compareTables(before: Tables, after: Tables): readonly TableChange[] {
  return TABLES.map((table) => ({
    table,
    removed: without(before[table], after[table]),
    added: without(after[table], before[table]),
  })).filter(
    ({ table, removed, added }) => table !== 'deletion_outbox' && removed.length + added.length > 0,
  )
}

function without(rows: readonly Row[], others: readonly Row[]): readonly Row[] {
  const known = new Set(others.map((row) => JSON.stringify(row)))
  return rows.filter((row) => !known.has(JSON.stringify(row)))
}
