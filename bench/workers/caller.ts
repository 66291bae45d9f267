/**
 * Another Worker that removes a user through a service binding: by the RPC method, by the binding's `fetch`, or not at
 * all, which is the floor of the two. The path of its own request says which.
 */
import type { Identity } from '../../src/index.ts'
import { readTarget } from './limit/parts.ts'

interface Bindings {
  readonly IDENTITY: Service<typeof Identity>
  readonly IDENTITY_HTTP: Fetcher
  readonly DOOR: 'rpc' | 'http' | 'none'
}

export default {
  async fetch(request: Request, env: Bindings): Promise<Response> {
    if (env.DOOR === 'none') return new Response(null)
    if (env.DOOR === 'http') return env.IDENTITY_HTTP.fetch(request)
    const token = request.headers.get('Authorization')?.slice('Bearer '.length) ?? ''
    const outcome = await env.IDENTITY.deleteUser({ token, ...readTarget(request) })
    return new Response(null, { status: outcome.ok ? 200 : outcome.status })
  },
}
