/**
 * The Drizzle schema of `queries/` against the tables that `migrations/` creates, as SQLite reports them.
 */
import { env } from 'cloudflare:workers'
import { is } from 'drizzle-orm'
import { getTableConfig, SQLiteTable } from 'drizzle-orm/sqlite-core'
import { expect, test } from 'vitest'
import * as schema from '../queries/schema'

/** Columns, keys, indexes and references, as `listRules` writes them. The partial index stands in the migrations alone. */
const RULES = `
  SELECT name || ' ' || lower(type) || iif("notnull", ' not null', '') AS text FROM pragma_table_info(?1)
  UNION ALL
  SELECT iif(l.origin = 'c', l.name, l.origin) || ': ' || group_concat(i.name ORDER BY i.seqno)
  FROM pragma_index_list(?1) l JOIN pragma_index_info(l.name) i WHERE l.partial = 0 GROUP BY l.name
  UNION ALL
  SELECT group_concat("from" ORDER BY seq) || ' -> ' || "table" || '(' || group_concat("to" ORDER BY seq) || ') '
    || lower(on_delete)
  FROM pragma_foreign_key_list(?1) GROUP BY id`

const tables = Object.values(schema)
  .filter((value) => is(value, SQLiteTable))
  .map(getTableConfig)

const join = (parts: readonly { name: string }[]) => parts.map(({ name }) => name).join()

function listRules(table: ReturnType<typeof getTableConfig>): string[] {
  const { columns, foreignKeys, indexes, primaryKeys, uniqueConstraints } = table
  return [
    ...columns.map((column) => {
      return `${column.name} ${column.getSQLType()}${column.notNull ? ' not null' : ''}`
    }),
    `pk: ${join(primaryKeys[0]?.columns ?? columns.filter(({ primary }) => primary))}`,
    ...columns.filter(({ isUnique }) => isUnique).map(({ name }) => `u: ${name}`),
    ...uniqueConstraints.map((unique) => `u: ${join(unique.columns)}`),
    ...indexes.map(({ config }) => `${config.name}: ${join(config.columns as { name: string }[])}`),
    ...foreignKeys.map((key) => {
      const { columns: from, foreignTable, foreignColumns: to } = key.reference()
      return `${join(from)} -> ${getTableConfig(foreignTable).name}(${join(to)}) ${key.onDelete}`
    }),
  ]
}

test('the Drizzle schema has every table of the database', async () => {
  const { results } = await env.DB.prepare(
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'
     AND name NOT LIKE 'sqlite%' AND name <> 'd1_migrations'`,
  ).all<{ name: string }>()
  expect(new Set(results.map(({ name }) => name))).toEqual(new Set(tables.map(({ name }) => name)))
})

test.each(tables)(
  'the Drizzle schema has the columns, keys and references of $name',
  async (table) => {
    const { results } = await env.DB.prepare(RULES).bind(table.name).all<{ text: string }>()
    expect(new Set(listRules(table))).toEqual(new Set(results.map(({ text }) => text)))
  },
)

test.each(tables)('$name is STRICT, checks listed values and compares bytes', async (table) => {
  const text = 'SELECT group_concat(sql) AS text FROM sqlite_schema WHERE tbl_name = ?'
  const sql = await env.DB.prepare(text).bind(table.name).first<string>('text')
  expect(sql).toMatch(/\) STRICT, WITHOUT ROWID/)
  expect(sql).not.toContain('COLLATE')
  const checks = table.columns
    .filter(({ enumValues }) => enumValues !== undefined)
    .map(({ name, enumValues = [] }) => `CHECK (${name} IN ('${enumValues.join("', '")}'))`)
  expect(checks.filter((check) => !sql?.includes(check))).toEqual([])
})
