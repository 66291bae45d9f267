/** The barest batch without its statement for the memberships: the schema has them go with the user. */
import { prepareRecord, prepareUser } from '../limit/batch.ts'
import { type Env, readTarget } from '../limit/parts.ts'

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const target = readTarget(request)
    const { record } = prepareRecord(env.DB, target)
    const [written] = await env.DB.batch([record, prepareUser(env.DB, target)])
    return new Response(null, { status: written?.meta.changes === 1 ? 200 : 404 })
  },
}
