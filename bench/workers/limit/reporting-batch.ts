/** The barest batch with a fourth statement that says what came of it: what one statement more costs, whatever it asks. */
import { prepareStatements } from './batch.ts'
import { type Env, readTarget } from './parts.ts'

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { record, memberships, user, report } = prepareStatements(env.DB, readTarget(request))
    const results = await env.DB.batch([record, memberships, user, report])
    return new Response(null, { status: results.at(-1)?.results.length === 1 ? 200 : 404 })
  },
}
