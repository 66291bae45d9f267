/**
 * The minimum deletion, which no correct product can undercut: verifies the token, runs the barest batch, writes one
 * log line, responds with this project's bytes. It does not check whether the caller is permitted.
 */
import { deleteUser } from './batch.ts'
import { type Env, readTarget, refuse, ROUTE, writeLine } from './parts.ts'
import { verifyToken } from './verify-token.ts'

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const startedAt = Date.now()
    const requestID = crypto.randomUUID()
    const scope = readTarget(request)
    const subject = await verifyToken(request, env)
    if (subject === undefined) return refuse(requestID)
    const deletion = await deleteUser(env.DB, scope, subject, requestID)
    if (deletion === undefined) return new Response(null, { status: 404 })
    const headers = { 'Cache-Control': 'no-store', 'X-Request-Id': requestID }
    const response = new Response(null, { headers })
    writeLine({
      requestID,
      method: request.method,
      route: ROUTE,
      status: 200,
      durationMs: Date.now() - startedAt,
      actor: { kind: 'user', subject },
      scope,
      groupsRemoved: deletion.groupsRemoved,
      database: {
        attempts: 1,
        sqlMs: deletion.meta.duration,
        rowsRead: deletion.meta.rows_read,
        rowsWritten: deletion.meta.rows_written,
      },
    })
    return response
  },
}
