/** The minimum refusal: verifies the token, writes one log line, responds with this project's bytes. */
import { type Env, readTarget, refuse, ROUTE, writeLine } from './parts.ts'
import { verifyToken } from './verify-token.ts'

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const startedAt = Date.now()
    const requestID = crypto.randomUUID()
    const scope = readTarget(request)
    if ((await verifyToken(request, env)) !== undefined) {
      return new Response('this Worker only refuses', { status: 501 })
    }
    const response = refuse(requestID)
    writeLine({
      requestID,
      method: request.method,
      route: ROUTE,
      status: 401,
      error: 'access_denied',
      reason: 'jwt_signature_invalid',
      durationMs: Date.now() - startedAt,
      scope,
    })
    return response
  },
}
