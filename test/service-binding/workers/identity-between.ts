/**
 * Passes calls on to the Worker under test, and loses the outcomes of users whose ID says so. Local workerd has no such
 * failure of a binding by itself.
 */
import { WorkerEntrypoint } from 'cloudflare:workers'
import type { DeleteUserOutcome, DeleteUserRequest } from '../../../src/identity'
import type { Identity as RealIdentity } from '../../../src/index'

interface BetweenEnv {
  readonly IDENTITY: Service<typeof RealIdentity>
}

const lost = new Set<string>()

/** The entrypoint that callers bind to. */
export class Identity extends WorkerEntrypoint<BetweenEnv> {
  async deleteUser(request: DeleteUserRequest): Promise<DeleteUserOutcome> {
    const outcome = await this.env.IDENTITY.deleteUser(request)
    const [what] = request.userID.split(':')
    const isLost =
      what === 'is lost for good' || (what === 'is lost once' && !lost.has(request.userID))
    lost.add(request.userID)
    if (isLost) throw new Error('Network connection lost.')
    return outcome
  }
}

export default { fetch: () => new Response(null, { status: 404 }) }
