/**
 * The least deletion: all that any correct product must do. Verify the token, run the barest batch, write one log
 * line, answer with this project's bytes. It does not ask whether the caller may.
 */
import { removeUser } from './batch.ts'
import {
  answerRefused,
  answerRemoved,
  type Env,
  readTarget,
  readToken,
  type VerifyToken,
  writeLine,
} from './parts.ts'

/** The Worker, with the verification that it is given. */
export function createDeletion(verifyToken: VerifyToken) {
  return {
    async fetch(request: Request, env: Env): Promise<Response> {
      const startedAt = Date.now()
      const requestID = crypto.randomUUID()
      const scope = readTarget(request)
      const subject = await verifyToken(readToken(request), env)
      if (subject === undefined) return answerRefused(requestID)
      const removal = await removeUser(env.DB, scope, subject, requestID)
      if (removal === undefined) return new Response(null, { status: 404 })
      const response = answerRemoved(requestID)
      writeLine({
        requestID,
        method: request.method,
        route: '/api/v1/organizations/{organizationID}/users/{userID}',
        status: 200,
        durationMs: Date.now() - startedAt,
        actor: { kind: 'user', subject },
        scope,
        groupsRemoved: removal.groupsRemoved,
        database: {
          attempts: 1,
          sqlMs: removal.meta.duration,
          rowsRead: removal.meta.rows_read,
          rowsWritten: removal.meta.rows_written,
        },
      })
      return response
    },
  }
}
