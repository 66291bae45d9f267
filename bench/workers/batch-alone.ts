/** This project's own batch behind HTTP, without token and log line: what its decision costs the database. */
import { removeUser } from '../../src/database.ts'
import { readTarget } from './limit/parts.ts'

export default {
  async fetch(request: Request, env: { readonly DB: D1Database }): Promise<Response> {
    const removal = {
      deletionID: crypto.randomUUID(),
      subject: 'subject-administrator',
      ...readTarget(request),
      requestID: 'none',
      idempotencyKey: null,
    }
    const settings = { keepLastAdministrator: false, membersMayLeave: false, recordGroups: false }
    const { outcome } = await removeUser(env.DB, removal, settings, () => {})
    return new Response(null, { status: outcome === 'deleted' ? 200 : 404 })
  },
}
