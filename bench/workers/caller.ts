/** Deletes a user through a service binding, by the RPC method or by the binding's `fetch`. */
import type { Identity } from '../../src/index.ts'
import { readTarget } from './minimum.ts'

interface Bindings {
  readonly IDENTITY: Service<typeof Identity>
  readonly IDENTITY_HTTP: Fetcher
  readonly TRANSPORT: 'rpc' | 'fetch'
}

export default {
  async fetch(request: Request, env: Bindings): Promise<Response> {
    if (env.TRANSPORT === 'fetch') return env.IDENTITY_HTTP.fetch(request)
    const token = request.headers.get('Authorization')?.slice('Bearer '.length) ?? ''
    const outcome = await env.IDENTITY.deleteUser({ token, ...readTarget(request) })
    return new Response(null, { status: outcome.ok ? 200 : outcome.status })
  },
}
