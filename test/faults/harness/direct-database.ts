/**
 * D1 from Node: a Worker runs whole batches, so that a statement costs no round trip before it is run. Has what tests use
 * of `D1Database`.
 */
import { compatibility, DATABASE } from '../../../dev/identity-worker.ts'

/** The Worker that runs the batches. */
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
}

/** The database behind the Worker at `url`. */
export function connectDatabase(url: URL): D1Database {
  async function batch(statements: readonly Statement[]): Promise<readonly D1Result<Row>[]> {
    const body = JSON.stringify(statements.map(({ sql, values }) => ({ sql, values })))
    const response = await fetch(url.href, { method: 'POST', body })
    if (!response.ok) throw new Error(await response.text())
    return response.json<D1Result<Row>[]>()
  }

  function prepare(sql: string, values: readonly unknown[] = []) {
    const all = async () => (await batch([{ sql, values }]))[0]
    return {
      sql,
      values,
      all,
      bind: (...bound: readonly unknown[]) => prepare(sql, bound),
      async first(column?: string) {
        const row = (await all())?.results[0]
        return column === undefined ? row : row?.[column]
      },
    }
  }
  return { prepare, batch } as unknown as D1Database
}

type Row = Readonly<Record<string, unknown>>

/** The state of a user: its row, its memberships and its deletion records. */
export async function findState(db: D1Database, userID: string): Promise<string> {
  const row = await db
    .prepare(
      `SELECT (SELECT count(*) FROM organization_users WHERE id = ?1) || ' users, ' ||
       (SELECT count(*) FROM group_members WHERE organization_user_id = ?1) || ' memberships, ' ||
       (SELECT count(*) FROM user_deletions WHERE organization_user_id = ?1) || ' records' AS state`,
    )
    .bind(userID)
    .first<string>('state')
  return String(row)
}
