/** The barest batch with a limit in time around it. */
import { within } from '../../../src/within.ts'
import { removeUser } from '../limit/batch.ts'
import { type Env, readTarget } from '../limit/parts.ts'

const TIMEOUT_MS = 5_000

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const removal = await within(
      TIMEOUT_MS,
      removeUser(env.DB, readTarget(request)),
      () => undefined,
    )
    return new Response(null, { status: removal === undefined ? 404 : 200 })
  },
}
