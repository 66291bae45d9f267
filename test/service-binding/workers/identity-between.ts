/**
 * Stands between a caller and the Worker under test: it passes every call on, but for what the user ID tells it to do
 * instead. So a test has the failures of a binding that local workerd does not have by itself.
 */
import { WorkerEntrypoint } from 'cloudflare:workers'
import type { DeleteUserOutcome, DeleteUserRequest } from '../../../src/identity'
import type { Identity as RealIdentity } from '../../../src/index'

interface BetweenEnv {
  readonly IDENTITY: Service<typeof RealIdentity>
}

/** As many as the caller is expected to have under way, before any of them may end. */
const TOGETHER = 4
const PATIENCE_MS = 5_000

const counted = { underWay: 0, most: 0 }
const lost = new Set<string>()

/** What callers bind to in the place of the real one. */
export class Identity extends WorkerEntrypoint<BetweenEnv> {
  async deleteUser(request: DeleteUserRequest): Promise<DeleteUserOutcome> {
    const [what] = request.userID.split(':')
    if (what === 'throws a TypeError') throw new TypeError('deleteUser: token must be a string')
    if (what === 'has no quota') return quotaExceeded
    if (what === 'is counted') await this.#countUnderWay()
    const outcome = await this.env.IDENTITY.deleteUser(request)
    counted.underWay -= what === 'is counted' ? 1 : 0
    if (what === 'is lost for good') throw new Error('Network connection lost.')
    if (what === 'is lost once' && !lost.has(request.userID)) {
      lost.add(request.userID)
      throw new Error('Network connection lost.')
    }
    return outcome
  }

  /** Holds the first calls until there are as many as may be, so that one too many would be seen. */
  async #countUnderWay(): Promise<void> {
    counted.underWay += 1
    counted.most = Math.max(counted.most, counted.underWay)
    const late = Date.now() + PATIENCE_MS
    while (counted.most < TOGETHER && Date.now() < late) await scheduler.wait(1)
  }
}

const quotaExceeded: DeleteUserOutcome = {
  ok: false,
  status: 500,
  error: 'server_error',
  error_description: 'an unexpected error occurred, which may succeed on a retry',
  retryAfter: 3_600,
}

export default {
  /** How many calls were under way at most. */
  fetch: () => Response.json(counted.most),
}
