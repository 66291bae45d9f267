/** The barest batch without its statement for the memberships: the schema has them go with the user. */
import { prepareStatements } from '../limit/batch.ts'
import { type Env, readTarget } from '../limit/parts.ts'

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { record, user } = prepareStatements(env.DB, readTarget(request))
    const [written] = await env.DB.batch([record, user])
    return new Response(null, { status: written?.meta.changes === 1 ? 200 : 404 })
  },
}
