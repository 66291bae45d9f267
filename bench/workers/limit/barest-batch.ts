/** The barest batch behind HTTP: no token, no decision, no log line. Not a product; the floor of the database's part. */
import { removeUser } from './batch.ts'
import { type Env, readTarget } from './parts.ts'

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const removal = await removeUser(env.DB, readTarget(request))
    return new Response(null, { status: removal === undefined ? 404 : 200 })
  },
}
