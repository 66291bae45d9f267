/**
 * The rows of a database, the difference between two snapshots of them, and the calls that the Worker makes. Runs in
 * workerd and in Node.
 */

/** Every row of every table, each as text, by table. */
export type Snapshot = ReadonlyMap<string, readonly string[]>

/** The rows of one snapshot that another has not, by table. Tables without a difference are absent. */
export interface Difference {
  readonly removed: Readonly<Record<string, readonly Row[]>>
  readonly added: Readonly<Record<string, readonly Row[]>>
}

type Row = Readonly<Record<string, unknown>>

/** Reads every table except D1's own. */
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

/** Compares two snapshots. A changed row is both removed and added. */
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

/** Watches a database without changing what it does. */
export function watch(real: D1Database) {
  /** The round trips: each call of `batch`, `exec`, `run`, `all`, `first` or `raw`. */
  const calls: string[] = []
  /** The SQL of every prepared statement, in order. */
  const statements: string[] = []
  /** The metadata of every batch, in order. */
  const metas: D1Meta[][] = []
  const originals = new WeakMap<D1PreparedStatement, D1PreparedStatement>()

  /** Calls a method of the real object, and counts it as a round trip. */
  const forward = (target: object, name: string | symbol) => {
    const member: unknown = Reflect.get(target, name)
    if (typeof member !== 'function') return member
    return (...args: unknown[]): unknown => {
      calls.push(String(name))
      return Reflect.apply(member, target, args)
    }
  }

  function watchStatement(statement: D1PreparedStatement): D1PreparedStatement {
    const bind = (...values: unknown[]) => watchStatement(statement.bind(...values))
    const watched = new Proxy(statement, {
      get: (_, name) => (name === 'bind' ? bind : forward(statement, name)),
    })
    originals.set(watched, statement)
    return watched
  }

  const own: Partial<D1Database> = {
    prepare(sql) {
      statements.push(sql)
      return watchStatement(real.prepare(sql))
    },
    async batch<T>(batch: D1PreparedStatement[]) {
      calls.push('batch')
      const results = await real.batch<T>(batch.map((item) => originals.get(item) ?? item))
      metas.push(results.map(({ meta }) => meta))
      return results
    },
  }
  const db = new Proxy(real, { get: (_, name) => Reflect.get(own, name) ?? forward(real, name) })
  return { db, calls, statements, metas }
}
