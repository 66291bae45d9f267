/**
 * The memory of one Worker's isolate after all garbage is collected, from the runtime's inspector.
 */

interface Target {
  readonly id: string
  readonly webSocketDebuggerUrl: string
}

const TIMEOUT_MS = 30_000
const NUDGE_MS = 50

/**
 * Collects all garbage of a Worker.
 *
 * @param nudge makes any request to the Worker: the runtime reads a message only while a request runs
 * @returns the bytes that are left
 */
export async function measureHeap(
  inspector: URL,
  worker: string,
  nudge: () => Promise<unknown>,
): Promise<number> {
  const targets = await (await fetch(`http://${inspector.host}/json`)).json<Target[]>()
  const target = targets.find(({ id }) => id.endsWith(`:${worker}`))
  if (target === undefined) throw new Error(`the inspector knows no Worker ${worker}`)
  const socket = new WebSocket(target.webSocketDebuggerUrl)
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', reject)
  })

  /** Asks, and nudges until the response comes: a nudge can be earlier than the message. */
  async function ask(id: number, method: string): Promise<unknown> {
    const timer = setInterval(() => void nudge().catch(() => undefined), NUDGE_MS)
    const response = new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error(`the inspector left ${method} unanswered`)), TIMEOUT_MS)
      socket.addEventListener('message', ({ data }) => {
        const message = JSON.parse(String(data)) as { id?: number; result?: unknown }
        if (message.id === id) resolve(message.result)
      })
    })
    socket.send(JSON.stringify({ id, method }))
    return response.finally(() => clearInterval(timer))
  }

  await ask(1, 'HeapProfiler.collectGarbage')
  const { usedSize } = (await ask(2, 'Runtime.getHeapUsage')) as { usedSize: number }
  socket.close()
  return usedSize
}
