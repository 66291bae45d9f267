/**
 * D1 from Node without a round trip for each statement that is prepared: a Worker beside the others runs whole batches.
 * Offers what tests use of `D1Database`, no more.
 */
import { compatibility, DATABASE } from '../../../dev/identity-worker.ts'

/** The Worker that runs them. */
export const DATABASE_WORKER = {
  name: 'database',
  modules: true,
  script: `export default {
    async fetch(request, env) {
      const batch = await request.json()
      try {
        const statements = batch.map(({ sql, values }) => env.DB.prepare(sql).bind(...values))
        return Response.json(await env.DB.batch(statements))
      } catch (error) {
        return new Response(error.message, { status: 500 })
      }
    },
  }`,
  ...compatibility,
  d1Databases: DATABASE,
}

interface Statement {
  readonly sql: string
  readonly values: readonly unknown[]
  bind(...values: readonly unknown[]): Statement
  all(): Promise<D1Result>
  first(column?: string): Promise<unknown>
}

/** The database behind the Worker at `url`. */
export function connectDatabase(url: URL): D1Database {
  async function batch(statements: readonly Statement[]): Promise<D1Result<Row>[]> {
    const body = JSON.stringify(statements.map(({ sql, values }) => ({ sql, values })))
    const response = await fetch(url.href, { method: 'POST', body })
    if (!response.ok) throw new Error(await response.text())
    return response.json<D1Result<Row>[]>()
  }

  function prepare(sql: string, values: readonly unknown[] = []): Statement {
    const statement: Statement = {
      sql,
      values,
      bind: (...bound) => prepare(sql, bound),
      async all() {
        const [result] = await batch([statement])
        if (result === undefined) throw new Error('D1 gave no result')
        return result
      },
      async first(column) {
        const [row] = (await statement.all()).results as readonly Row[]
        if (row === undefined) return null
        return column === undefined ? row : row[column]
      },
    }
    return statement
  }
  return { prepare: (sql: string) => prepare(sql), batch } as unknown as D1Database
}

type Row = Readonly<Record<string, unknown>>

/** How many rows of a user, of its memberships and of its deletions there are. */
export async function countRows(db: D1Database, userID: string) {
  const row = await db
    .prepare(
      `SELECT (SELECT count(*) FROM organization_users WHERE id = ?1) AS users,
       (SELECT count(*) FROM group_members WHERE organization_user_id = ?1) AS memberships,
       (SELECT count(*) FROM user_deletions WHERE organization_user_id = ?1) AS records`,
    )
    .bind(userID)
    .first<Record<'users' | 'memberships' | 'records', number>>()
  return row!
}
