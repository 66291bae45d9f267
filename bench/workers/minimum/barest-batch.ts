/** The barest batch behind HTTP: no token, no decision, no log line. */
import { deleteUser } from './batch.ts'
import { type Env, readTarget } from './parts.ts'

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const deletion = await deleteUser(env.DB, readTarget(request))
    return new Response(null, { status: deletion === undefined ? 404 : 200 })
  },
}
