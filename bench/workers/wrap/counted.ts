/**
 * A Worker whose use of D1 is counted, request by request, and told in the header `X-Bench-Database` as JSON. Requests
 * must come one at a time. Exact, so never timed.
 */
import { wrapDatabase } from './database.ts'
import { type Bindings, type Handler, replaceDatabase } from './handler.ts'

/** What one request asked of D1. */
export interface DatabaseCounts {
  roundTrips: number
  statements: number
  rowsRead: number
  rowsWritten: number
}

export const COUNTS_HEADER = 'X-Bench-Database'

export function withCounts(target: Handler): Handler {
  let countedEnv: Bindings | undefined
  let counts: DatabaseCounts = createCounts()
  return {
    async fetch(request, env, context) {
      counts = createCounts()
      countedEnv ??= replaceDatabase(
        env,
        wrapDatabase(env.DB, async (statements, send, resultsOf) => {
          counts.roundTrips += 1
          counts.statements += statements
          const sent = await send()
          for (const { meta } of await resultsOf(sent)) {
            counts.rowsRead += meta.rows_read
            counts.rowsWritten += meta.rows_written
          }
          return sent
        }),
      )
      const response = await target.fetch(request, countedEnv, context)
      const copy = new Response(response.body, response)
      copy.headers.set(COUNTS_HEADER, JSON.stringify(counts))
      return copy
    },
  }
}

function createCounts(): DatabaseCounts {
  return { roundTrips: 0, statements: 0, rowsRead: 0, rowsWritten: 0 }
}
