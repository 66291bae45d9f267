/** The barest batch with a fourth statement that says what came of it: what one statement more costs, whatever it asks. */
import { prepareMemberships, prepareRecord, prepareReport, prepareUser } from './batch.ts'
import { type Env, readTarget } from './parts.ts'

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const target = readTarget(request)
    const { id, record } = prepareRecord(env.DB, target)
    const results = await env.DB.batch([
      record,
      prepareMemberships(env.DB, target),
      prepareUser(env.DB, target),
      prepareReport(env.DB, id),
    ])
    return new Response(null, { status: results.at(-1)?.results.length === 1 ? 200 : 404 })
  },
}
