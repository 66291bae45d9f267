/**
 * The database as a test sees it: every row of every table, what changed between two looks, and what the Worker asks of
 * it. Runs in workerd and in Node.
 */

/** Every row of every table, each as text, by table. */
export type Snapshot = ReadonlyMap<string, readonly string[]>

/** What is different between two snapshots, by table; a table without a difference is left out. */
export interface Difference {
  readonly removed: Readonly<Record<string, readonly Row[]>>
  readonly added: Readonly<Record<string, readonly Row[]>>
}

type Row = Readonly<Record<string, unknown>>

/** Reads the whole database but D1's own tables. */
export async function readDatabase(db: D1Database): Promise<Snapshot> {
  const { results } = await db
    .prepare(
      `SELECT name FROM sqlite_schema WHERE type = 'table'
       AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\' ORDER BY name`,
    )
    .all<{ name: string }>()
  const names = results.map(({ name }) => name)
  const tables = await db.batch<Row>(names.map((name) => db.prepare(`SELECT * FROM "${name}"`)))
  return new Map(
    names.map((name, index) => [
      name,
      (tables[index]?.results ?? []).map((row) => JSON.stringify(row)).toSorted(),
    ]),
  )
}

/** What was removed and added between two snapshots; a changed row is both. */
export function compare(before: Snapshot, after: Snapshot): Difference {
  return { removed: subtract(before, after), added: subtract(after, before) }
}

function subtract(from: Snapshot, what: Snapshot): Record<string, Row[]> {
  const rest: Record<string, Row[]> = {}
  for (const [table, rows] of from) {
    const others = new Set(what.get(table))
    const left = rows.filter((row) => !others.has(row))
    if (left.length > 0) rest[table] = left.map((row) => JSON.parse(row) as Row)
  }
  return rest
}

/** A database with another `batch`. */
export function withBatch(
  db: D1Database,
  batch: (statements: D1PreparedStatement[]) => Promise<D1Result[]>,
) {
  return { prepare: (sql: string) => db.prepare(sql), batch }
}

/**
 * A database whose first batches fail.
 *
 * @param commits whether the failed batches do their work all the same
 */
export function failFirst(db: D1Database, times: number, message: string, commits = false) {
  let attempts = 0
  const DB = withBatch(db, async (statements) => {
    attempts += 1
    const fails = attempts <= times
    const results = fails && !commits ? [] : await db.batch(statements)
    if (fails) throw new Error(message)
    return results
  })
  return { DB, attempts: () => attempts }
}

/** A database that notes what is asked of it. */
export interface WatchedDatabase {
  readonly db: D1Database
  /** The round trips: each call of `batch`, `exec`, `run`, `all`, `first` or `raw`. */
  readonly calls: readonly string[]
  /** The SQL of every prepared statement, in order. */
  readonly statements: readonly string[]
  /** The metadata of every batch, in order. */
  readonly metas: readonly (readonly D1Meta[])[]
}

/** Watches a database without changing what it does. */
export function watch(real: D1Database): WatchedDatabase {
  const calls: string[] = []
  const statements: string[] = []
  const metas: D1Meta[][] = []
  const originals = new WeakMap<D1PreparedStatement, D1PreparedStatement>()

  function watchStatement(statement: D1PreparedStatement): D1PreparedStatement {
    const watched = new Proxy(statement, {
      get(_, name) {
        if (name === 'bind') {
          return (...values: unknown[]) => watchStatement(statement.bind(...values))
        }
        if (typeof name === 'string') calls.push(name)
        const member: unknown = Reflect.get(statement, name)
        return typeof member === 'function' ? (member.bind(statement) as unknown) : member
      },
    })
    originals.set(watched, statement)
    return watched
  }

  const db = new Proxy(real, {
    get(_, name) {
      if (name === 'prepare') {
        return (sql: string) => {
          statements.push(sql)
          return watchStatement(real.prepare(sql))
        }
      }
      if (name === 'batch') {
        return async (batch: D1PreparedStatement[]) => {
          calls.push('batch')
          const results = await real.batch(batch.map((item) => originals.get(item) ?? item))
          metas.push(results.map(({ meta }) => meta))
          return results
        }
      }
      const member: unknown = Reflect.get(real, name)
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        calls.push(String(name))
        return (member as (...args: unknown[]) => unknown).apply(real, args)
      }
    },
  })
  return { db, calls, statements, metas }
}
