/**
 * A caller that does not wait for its answer, in each way that there is. The path names the way; where the instruction
 * holds a URL, the caller leaves once that has answered, and at once otherwise.
 */
import type { DeleteUserRequest } from '../../../src/identity'
import type { Identity } from '../../../src/index'

interface LeavingEnv {
  readonly IDENTITY: Service<typeof Identity>
}

/** What the test sends. */
export interface LeavingInstruction {
  readonly request: DeleteUserRequest
  /** Answers when the caller is to leave. */
  readonly leaveAfter?: string
}

type Call = ReturnType<LeavingEnv['IDENTITY']['deleteUser']>

/** What it does with the call before it ends. */
const ways: Readonly<Record<string, (call: Call) => unknown>> = {
  forgets: () => undefined,
  // The promise of a call has a disposer, which its type leaves out.
  disposes: (call) => (call as unknown as Disposable)[Symbol.dispose](),
  throws: () => {
    throw new Error('the caller fails')
  },
  waits: (call) => call,
}

export default {
  async fetch(incoming: Request, { IDENTITY }: LeavingEnv): Promise<Response> {
    const { request, leaveAfter } = await incoming.json<LeavingInstruction>()
    const call = IDENTITY.deleteUser(request)
    if (leaveAfter !== undefined) await fetch(leaveAfter)
    await ways[new URL(incoming.url).pathname.slice(1)]?.(call)
    return new Response('left')
  },
}
