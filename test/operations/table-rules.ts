/**
 * What the tables of a database are, read from SQLite itself and said in the words of docs/data-model.md.
 */

/** One table: its columns with what they may hold, and its rules. */
export interface TableRules {
  /** Each column's name and value, as the document's table has them. */
  readonly columns: readonly (readonly [name: string, value: string])[]
  /** Keys, indexes and references, as the items of the document's list. */
  readonly rules: readonly string[]
  /** The columns of each foreign key. */
  readonly references: readonly (readonly string[])[]
}

interface Column {
  readonly name: string
  readonly type: string
  readonly notnull: number
}

interface IndexedColumn {
  readonly index: string
  readonly unique: number
  readonly origin: string
  readonly column: string
  readonly sql: string | null
}

interface ReferencingColumn {
  readonly id: number
  readonly parent: string
  readonly column: string
  readonly onDelete: string
}

/** The rules of every table but D1's own, by table. */
export async function readTableRules(db: D1Database): Promise<Map<string, TableRules>> {
  const { results: tables } = await db
    .prepare(
      `SELECT name, sql FROM sqlite_schema WHERE type = 'table'
       AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\' AND name <> 'd1_migrations'`,
    )
    .all<{ name: string; sql: string }>()
  const details = await db.batch(
    tables.flatMap(({ name }) =>
      [
        `SELECT name, type, "notnull" FROM pragma_table_info('${name}')`,
        `SELECT l.name AS "index", l."unique", l.origin, i.name AS "column", s.sql
         FROM pragma_index_list('${name}') l JOIN pragma_index_info(l.name) i
         LEFT JOIN sqlite_schema s ON s.name = l.name ORDER BY l.seq, i.seqno`,
        `SELECT id, "table" AS parent, "from" AS "column", on_delete AS "onDelete"
         FROM pragma_foreign_key_list('${name}') ORDER BY id, seq`,
      ].map((sql) => db.prepare(sql)),
    ),
  )
  return new Map(
    tables.map(({ name, sql }, index) => {
      if (!/\)\s*STRICT\b/.test(sql)) throw new Error(`${name} is not STRICT`)
      const [columns, indexed, referencing] = details
        .slice(index * 3, index * 3 + 3)
        .map(({ results }) => results) as [Column[], IndexedColumn[], ReferencingColumn[]]
      const references = [...Map.groupBy(referencing, ({ id }) => id).values()]
      return [
        name,
        {
          columns: columns.map((column) => [column.name, describeValue(column, sql)] as const),
          rules: [...describeKeys(indexed), ...references.map(describeReference)],
          references: references.map((parts) => parts.map(({ column }) => column)),
        },
      ]
    }),
  )
}

function describeValue({ name, type, notnull }: Column, sql: string): string {
  const values = new RegExp(`CHECK \\(${name} IN \\(([^)]*)\\)\\)`).exec(sql)?.[1]
  const value = values === undefined ? type.toLowerCase() : describeChoice(values)
  return notnull === 1 ? value : `${value} or null`
}

/** `'a', 'b', 'c'` as "`a`, `b` or `c`". */
function describeChoice(values: string): string {
  const words = values.split(',').map((value) => code(value.trim().replaceAll("'", '')))
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}

function describeKeys(indexed: readonly IndexedColumn[]): string[] {
  return [...Map.groupBy(indexed, ({ index }) => index).values()].map((parts) => {
    const [{ origin, unique, sql }] = parts as [IndexedColumn]
    const where = /WHERE (\w+) IS NOT NULL$/.exec(sql ?? '')?.[1]
    const kind = origin === 'pk' ? 'Primary key' : unique === 1 ? 'Unique' : 'Index'
    const when = where === undefined ? '' : ` where ${code(where)} is not null`
    return `${kind}${when}: ${parts.map(({ column }) => code(column)).join(', ')}`
  })
}

function describeReference(parts: readonly ReferencingColumn[]): string {
  const [{ parent, onDelete }] = parts as [ReferencingColumn]
  const from = parts.map(({ column }) => code(column)).join(', ')
  const effect = onDelete === 'CASCADE' ? 'is deleted with it' : 'keeps it from being deleted'
  return `${from} → ${code(parent)}: ${effect}`
}

function code(text: string): string {
  return `\`${text}\``
}
