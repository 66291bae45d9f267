/** The barest batch with a fourth statement that says what came of it: what one statement more costs, whatever it asks. */
import { removeUserAndReport } from './batch.ts'
import { type Env, readTarget } from './parts.ts'

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const isRemoved = await removeUserAndReport(env.DB, readTarget(request), 'nobody', 'none')
    return new Response(null, { status: isRemoved ? 200 : 404 })
  },
}
