/**
 * A D1 database that is watched, or is far away: every call that costs a round trip passes through one function.
 * Measuring code only. It stands around the binding, so that the measured Worker is the one that is deployed.
 */

/** Runs one round trip: may wait before it, and sees what D1 answered, as far as it tells. */
export type RoundTrip = <T>(
  statements: number,
  send: () => Promise<T>,
  resultsOf: (sent: T) => D1Result[] | Promise<D1Result[]>,
) => Promise<T>

class Statement {
  readonly #inner: D1PreparedStatement
  readonly #roundTrip: RoundTrip

  constructor(inner: D1PreparedStatement, roundTrip: RoundTrip) {
    this.#inner = inner
    this.#roundTrip = roundTrip
  }

  get inner(): D1PreparedStatement {
    return this.#inner
  }

  bind(...values: unknown[]): Statement {
    return new Statement(this.#inner.bind(...values), this.#roundTrip)
  }

  all(): Promise<D1Result> {
    return this.#roundTrip(
      1,
      () => this.#inner.all(),
      (result) => [result],
    )
  }

  run(): Promise<D1Result> {
    return this.all()
  }

  async first(column?: string): Promise<unknown> {
    const [row] = (await this.all()).results as Record<string, unknown>[]
    return (column === undefined ? row : row?.[column]) ?? null
  }

  /** `raw()` tells rows without `meta`; whoever asks for it has the query run again, so only reads may come this way. */
  raw(options?: { columnNames?: false }): Promise<unknown[][]> {
    return this.#roundTrip(
      1,
      () => this.#inner.raw(options),
      async () => [await this.#inner.all()],
    )
  }
}

/** The same database, each of whose round trips goes through `roundTrip`. */
export function wrapDatabase(database: D1Database, roundTrip: RoundTrip): D1Database {
  const wrapped = {
    prepare: (sql: string) => new Statement(database.prepare(sql), roundTrip),
    batch: (statements: Statement[]) =>
      roundTrip(
        statements.length,
        () => database.batch(statements.map(({ inner }) => inner)),
        (results) => results,
      ),
    exec: (sql: string) =>
      roundTrip(
        1,
        () => database.exec(sql),
        () => [],
      ),
    withSession: () => wrapped,
  }
  return wrapped as unknown as D1Database
}
