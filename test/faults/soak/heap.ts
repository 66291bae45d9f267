/**
 * What one Worker keeps in its isolate once all garbage is collected, asked of the runtime's inspector.
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
 * @param nudge makes any request to the Worker: the runtime collects only between the turns of its work
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

  function ask(id: number, method: string): Promise<unknown> {
    const response = new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error(`the inspector left ${method} unanswered`)), TIMEOUT_MS)
      socket.addEventListener('message', ({ data }) => {
        const message = JSON.parse(String(data)) as { id?: number; result?: unknown }
        if (message.id === id) resolve(message.result)
      })
    })
    socket.send(JSON.stringify({ id, method }))
    return response
  }

  /** Nudges until the response comes: one nudge can come before the runtime has read the message. */
  async function askNudging(id: number, method: string): Promise<unknown> {
    const timer = setInterval(() => void nudge().catch(() => undefined), NUDGE_MS)
    try {
      return await ask(id, method)
    } finally {
      clearInterval(timer)
    }
  }

  await askNudging(1, 'HeapProfiler.collectGarbage')
  const { usedSize } = (await askNudging(2, 'Runtime.getHeapUsage')) as { usedSize: number }
  socket.close()
  return usedSize
}
