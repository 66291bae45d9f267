/**
 * A Worker that does what a test tells it, over the binding that the header `X-Binding` names: `POST /rpc` calls
 * `deleteUser` and says what it got, an exception too; any other request is passed on to the binding's `fetch`.
 */
import type { DeleteUserRequest } from '../../../src/identity'
import type { Identity } from '../../../src/index'

/** Bindings to Identity Workers, by names that the test gives. */
type CallerEnv = Readonly<Record<string, Service<typeof Identity>>>

export default {
  async fetch(request: Request, env: CallerEnv): Promise<Response> {
    const binding = request.headers.get('X-Binding') ?? ''
    const identity = env[binding]
    if (identity === undefined) return new Response(`no binding "${binding}"`, { status: 501 })
    if (new URL(request.url).pathname !== '/rpc') return identity.fetch(request)
    try {
      const outcome = await identity.deleteUser(await request.json<DeleteUserRequest>())
      return Response.json({ outcome })
    } catch (error) {
      return Response.json({ thrown: String(error) })
    }
  },
}
