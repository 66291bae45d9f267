/**
 * The Drizzle schema has the tables that the migrations create, as SQLite reports them. The data model's page has them
 * too: operations/data-model.test.ts.
 */
import { env } from 'cloudflare:workers'
import { is } from 'drizzle-orm'
import { getTableConfig, SQLiteTable, type SQLiteTable as Table } from 'drizzle-orm/sqlite-core'
import { expect, test } from 'vitest'
import * as schema from '../queries/schema'

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

const tableNames = tables.map((table) => getTableConfig(table).name)

test('the schema in Drizzle’s words has every table of the database', async () => {
  const found = await query<{ name: string }>(
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'
     AND name NOT LIKE 'sqlite%' AND name <> 'd1_migrations'`,
  )
  expect(new Set(found.map(({ name }) => name))).toEqual(new Set(tableNames))
})

test('every table is STRICT, so that a column holds what it says', async () => {
  const list = await query<{ name: string; strict: number }>('PRAGMA table_list')
  const lax = list.filter(({ name, strict }) => tableNames.includes(name) && strict !== 1)
  expect(lax).toEqual([])
})

test('no column may be null but three of the deletion record', async () => {
  const nullable: string[] = []
  for (const table of tableNames) {
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
