/**
 * Wraps a Worker so that each round trip to D1 is counted or delayed. The counts of a request come back in a header, so
 * requests must come one at a time. With `DISTANCE_MS` each round trip waits so long, and nothing is counted.
 */

interface Bindings {
  readonly DB: D1Database
  readonly DISTANCE_MS?: string
}

interface Handler {
  fetch(request: Request, env: Bindings, context: ExecutionContext): Response | Promise<Response>
}

/** What one request cost in D1. */
export interface DatabaseCounts {
  roundTrips: number
  statements: number
  rowsRead: number
  rowsWritten: number
}

export const COUNTS_HEADER = 'x-bench-database'

/** Sends one round trip. `resultsOf` gives the results with their metadata. */
type RoundTrip = <T>(
  statements: number,
  send: () => Promise<T>,
  resultsOf: (sent: T) => D1Result[] | Promise<D1Result[]>,
) => Promise<T>

/** The same Worker with another D1 binding. */
export function wrap(target: Handler): Handler {
  let wrappedEnv: Bindings | undefined
  let counts: DatabaseCounts
  const count: RoundTrip = async (statements, send, resultsOf) => {
    counts.roundTrips += 1
    counts.statements += statements
    const sent = await send()
    for (const { meta } of await resultsOf(sent)) {
      counts.rowsRead += meta.rows_read
      counts.rowsWritten += meta.rows_written
    }
    return sent
  }
  return {
    async fetch(request, env, context) {
      const { DB, DISTANCE_MS } = env
      const delay: RoundTrip = async (_, send) => {
        await scheduler.wait(Number(DISTANCE_MS))
        return send()
      }
      const isCounting = DISTANCE_MS === undefined
      wrappedEnv ??= { ...env, DB: wrapDatabase(DB, isCounting ? count : delay) }
      counts = { roundTrips: 0, statements: 0, rowsRead: 0, rowsWritten: 0 }
      const response = await target.fetch(request, wrappedEnv, context)
      if (!isCounting) return response
      const copy = new Response(response.body, response)
      copy.headers.set(COUNTS_HEADER, JSON.stringify(counts))
      return copy
    },
  }
}

interface Statement {
  readonly inner: D1PreparedStatement
}

const toList = (result: D1Result) => [result]

function wrapStatement(inner: D1PreparedStatement, roundTrip: RoundTrip): Statement {
  const all = () => roundTrip(1, () => inner.all(), toList)
  return Object.assign(
    { inner, all, run: all },
    {
      bind: (...values: unknown[]) => wrapStatement(inner.bind(...values), roundTrip),
      first: async () => (await all()).results[0] ?? null,
      /** `raw()` gives no metadata, so counting runs the query again: for reads only. */
      raw: () =>
        roundTrip(
          1,
          () => inner.raw(),
          async () => [await inner.all()],
        ),
    },
  )
}

function wrapDatabase(database: D1Database, roundTrip: RoundTrip): D1Database {
  const wrapped = {
    prepare: (sql: string) => wrapStatement(database.prepare(sql), roundTrip),
    batch(statements: Statement[]) {
      const inner = statements.map((statement) => statement.inner)
      return roundTrip(
        inner.length,
        () => database.batch(inner),
        (results) => results,
      )
    },
    withSession: () => wrapped,
    exec: (sql: string) => database.exec(sql), // never called; better-auth recognises D1 by it
  }
  return wrapped as unknown as D1Database
}
