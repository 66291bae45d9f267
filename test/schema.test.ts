/**
 * Are the tables what the data model says, and is the Drizzle schema true to them? The migrations make the tables; this
 * reads them back from the database.
 */
import { env } from 'cloudflare:workers'
import { is } from 'drizzle-orm'
import { getTableConfig, SQLiteTable, type SQLiteTable as Table } from 'drizzle-orm/sqlite-core'
import { expect, test } from 'vitest'
import * as schema from '../queries/schema'

/** The public interface: every table with its columns. */
const PUBLISHED: Readonly<Record<string, readonly string[]>> = {
  organizations: ['id', 'name'],
  users: ['id', 'subject', 'state'],
  organization_users: ['id', 'organization_id', 'user_id', 'state'],
  groups: ['id', 'organization_id', 'name'],
  group_members: ['organization_id', 'group_id', 'organization_user_id'],
  service_accounts: ['id', 'organization_id', 'name'],
  group_service_accounts: ['organization_id', 'group_id', 'service_account_id'],
  roles: ['id', 'name'],
  role_permissions: ['role_id', 'scope', 'endpoint', 'operation'],
  group_roles: ['group_id', 'role_id'],
  global_role_bindings: ['user_id', 'role_id'],
  user_deletions: [
    'id',
    'organization_id',
    'organization_user_id',
    'user_id',
    'actor_kind',
    'actor_subject',
    'groups_removed',
    'request_id',
    'idempotency_key',
    'deleted_at',
    'member_state',
    'group_ids',
  ],
  deletion_outbox: ['deletion_id'],
}

interface TableShape {
  readonly columns: readonly string[]
  readonly primaryKey: readonly string[]
  /** Each as its columns, constraints and indexes alike. */
  readonly unique: readonly string[]
  readonly indexes: readonly string[]
  readonly references: readonly string[]
}

async function query<Row>(sql: string): Promise<Row[]> {
  return (await env.DB.prepare(sql).all<Row>()).results
}

const names = (list: readonly { name: string }[]): string => list.map(({ name }) => name).join()

async function readShape(table: string): Promise<TableShape> {
  const columns = await query<{ name: string; type: string; notnull: number; pk: number }>(
    `PRAGMA table_info(${table})`,
  )
  const indexes = await query<{ name: string; unique: number; origin: string; partial: number }>(
    `PRAGMA index_list(${table})`,
  )
  const keys = await query<{
    id: number
    table: string
    from: string
    to: string
    on_delete: string
  }>(`PRAGMA foreign_key_list(${table})`)
  const unique: string[] = []
  const plain: string[] = []
  for (const index of indexes) {
    const info = await query<{ name: string }>(`PRAGMA index_info(${index.name})`)
    if (index.origin === 'u') unique.push(names(info))
    if (index.origin === 'c' && index.partial === 0) plain.push(`${index.name}(${names(info)})`)
  }
  const references = Object.values(Object.groupBy(keys, ({ id }) => id)).map((parts = []) => {
    const [first] = parts
    const from = parts.map((part) => part.from).join()
    const to = parts.map((part) => part.to).join()
    return `${from} -> ${first?.table}(${to}) ${first?.on_delete.toLowerCase()}`
  })
  return {
    columns: columns
      .map(({ name, type, notnull }) => `${name} ${type}${notnull === 1 ? ' not null' : ''}`)
      .toSorted(),
    primaryKey: columns
      .filter(({ pk }) => pk > 0)
      .toSorted((a, b) => a.pk - b.pk)
      .map(({ name }) => name),
    unique: unique.toSorted(),
    indexes: plain.toSorted(),
    references: references.toSorted(),
  }
}

function describeShape(table: Table): TableShape {
  const { columns, foreignKeys, indexes, primaryKeys, uniqueConstraints } = getTableConfig(table)
  const [composite] = primaryKeys
  return {
    columns: columns
      .map((column) => {
        const isNotNull = column.notNull || column.primary
        return `${column.name} ${column.getSQLType().toUpperCase()}${isNotNull ? ' not null' : ''}`
      })
      .toSorted(),
    primaryKey: (composite?.columns ?? columns.filter(({ primary }) => primary)).map(
      ({ name }) => name,
    ),
    unique: [
      ...columns.filter(({ isUnique }) => isUnique).map(({ name }) => name),
      ...uniqueConstraints.map((constraint) => names(constraint.columns)),
    ].toSorted(),
    indexes: indexes
      .map(({ config }) => `${config.name}(${names(config.columns as { name: string }[])})`)
      .toSorted(),
    references: foreignKeys
      .map((key) => {
        const { columns: from, foreignTable, foreignColumns } = key.reference()
        const { name } = getTableConfig(foreignTable)
        return `${names(from)} -> ${name}(${names(foreignColumns)}) ${key.onDelete}`
      })
      .toSorted(),
  }
}

const tables = Object.values(schema).filter((value) => is(value, SQLiteTable))

test('the database has the published tables and no other', async () => {
  const found = await query<{ name: string }>(
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'
     AND name NOT LIKE 'sqlite%' AND name <> 'd1_migrations'`,
  )
  expect(new Set(found.map(({ name }) => name))).toEqual(new Set(Object.keys(PUBLISHED)))
})

test.each(Object.entries(PUBLISHED))('%s has the published columns', async (table, columns) => {
  const found = await query<{ name: string }>(`PRAGMA table_info(${table})`)
  expect(found.map(({ name }) => name).toSorted()).toEqual([...columns].toSorted())
})

test('every table is STRICT, so that a column holds what it says', async () => {
  const list = await query<{ name: string; strict: number }>('PRAGMA table_list')
  const lax = list.filter(({ name, strict }) => name in PUBLISHED && strict !== 1)
  expect(lax).toEqual([])
})

test('no column may be null but three of the deletion record', async () => {
  const nullable: string[] = []
  for (const table of Object.keys(PUBLISHED)) {
    const columns = await query<{ name: string; notnull: number }>(`PRAGMA table_info(${table})`)
    for (const { name, notnull } of columns) if (notnull === 0) nullable.push(`${table}.${name}`)
  }
  expect(nullable).toEqual(
    ['idempotency_key', 'member_state', 'group_ids'].map((column) => `user_deletions.${column}`),
  )
})

test('no column compares other than byte for byte', async () => {
  const statements = await query<{ sql: string }>(
    "SELECT sql FROM sqlite_schema WHERE sql LIKE '%COLLATE%'",
  )
  expect(statements).toEqual([])
})

test('the schema in Drizzle’s words has every table', () => {
  const found = tables.map((table) => getTableConfig(table).name)
  expect(new Set(found)).toEqual(new Set(Object.keys(PUBLISHED)))
})

test.each(tables.map((table) => [getTableConfig(table).name, table] as const))(
  'the schema in Drizzle’s words is true to the table %s',
  async (name, table) => {
    expect(describeShape(table)).toEqual(await readShape(name))
  },
)

test.each(
  tables.flatMap((table) =>
    getTableConfig(table)
      .columns.filter(({ enumValues }) => enumValues !== undefined)
      .map(
        (column) =>
          [
            getTableConfig(table).name,
            column.name,
            (column.enumValues ?? []) as readonly string[],
          ] as const,
      ),
  ),
)('%s.%s is checked for the values that the schema names', async (table, column, values) => {
  const [row] = await query<{ sql: string }>(
    `SELECT sql FROM sqlite_schema WHERE name = '${table}'`,
  )
  const list = values.map((value) => `'${value}'`).join(', ')
  expect(row?.sql).toContain(`CHECK (${column} IN (${list}))`)
})
