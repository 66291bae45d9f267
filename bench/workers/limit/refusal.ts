/** The least that refuses a token: verify it with an imported key, write one log line, answer with this project's bytes. */
import {
  answerRefused,
  type Env,
  readTarget,
  readToken,
  type VerifyToken,
  writeRefusal,
} from './parts.ts'

/** The Worker, with the verification that it is given. */
export function createRefusal(verifyToken: VerifyToken) {
  return {
    async fetch(request: Request, env: Env): Promise<Response> {
      const startedAt = Date.now()
      const requestID = crypto.randomUUID()
      const scope = readTarget(request)
      if ((await verifyToken(readToken(request), env)) !== undefined) {
        return new Response('this Worker only refuses', { status: 501 })
      }
      const response = answerRefused(requestID)
      writeRefusal({ requestID, startedAt, scope })
      return response
    },
  }
}
