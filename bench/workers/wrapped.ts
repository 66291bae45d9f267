/**
 * Wraps a Worker so that each round trip to D1 is counted, and delayed by `DISTANCE_MS`. The counts of a request come
 * back in a header, so requests must come one at a time.
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

/** Makes one round trip, which returns a result for each statement. */
type RoundTrip = (send: () => Promise<D1Result[]>) => Promise<D1Result[]>

/** The same Worker with another D1 binding. */
export function wrap(target: Handler): Handler {
  let wrappedEnv: Bindings | undefined // one object, since a Worker may keep what it has read from it
  let counts: DatabaseCounts
  return {
    async fetch(request, env, context) {
      const roundTrip: RoundTrip = async (send) => {
        await scheduler.wait(Number(env.DISTANCE_MS ?? 0))
        const results = await send()
        counts.roundTrips += 1
        counts.statements += results.length
        for (const { meta } of results) {
          counts.rowsRead += meta.rows_read
          counts.rowsWritten += meta.rows_written
        }
        return results
      }
      wrappedEnv ??= { ...env, DB: wrapDatabase(env.DB, roundTrip) }
      counts = { roundTrips: 0, statements: 0, rowsRead: 0, rowsWritten: 0 }
      const response = await target.fetch(request, wrappedEnv, context)
      const copy = new Response(response.body, response)
      copy.headers.set(COUNTS_HEADER, JSON.stringify(counts))
      return copy
    },
  }
}

interface Statement {
  readonly inner: D1PreparedStatement
}

function wrapDatabase(database: D1Database, roundTrip: RoundTrip): D1Database {
  const wrapStatement = (inner: D1PreparedStatement): Statement => {
    const all = async () => (await roundTrip(async () => [await inner.all<object>()]))[0]!
    return Object.assign(
      { inner, all, run: all },
      {
        bind: (...values: unknown[]) => wrapStatement(inner.bind(...values)),
        /** Through `all()`, which has metadata; so no query may select two columns of the same name. */
        raw: async () => (await all()).results.map((row) => Object.values(row as object)),
      },
    )
  }
  const wrapped = {
    prepare: (sql: string) => wrapStatement(database.prepare(sql)),
    batch: (statements: Statement[]) =>
      roundTrip(() => database.batch(statements.map(({ inner }) => inner))),
  }
  return wrapped as unknown as D1Database
}
