/** V8's profiler in one isolate of local workerd, over the inspector's WebSocket. */
import type { Runtime } from './runtime.ts'

/** The part of a CPU profile that is read here; DevTools open the whole of it. */
export interface CPUProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: {
      readonly functionName: string
      readonly url: string
      readonly lineNumber: number
    }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

const SAMPLING_US = 100

/** Profiles a Worker while `run` runs. */
export async function profileWorker(
  { inspectorPort }: Runtime,
  worker: string,
  run: () => Promise<void>,
): Promise<CPUProfile> {
  const answer = await fetch(`http://127.0.0.1:${inspectorPort}/json`)
  const targets = await answer.json<{ id: string; webSocketDebuggerUrl: string }[]>()
  const target = targets.find(({ id }) => id === `core:user:${worker}`)
  if (target === undefined) throw new Error(`the inspector knows no Worker ${worker}`)
  const socket = new WebSocket(target.webSocketDebuggerUrl)
  const pending = new Map<number, (result: unknown) => void>()
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown }
    if (id !== undefined) pending.get(id)?.(result)
  })
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', reject)
  })
  const call = (method: string, params = {}) =>
    new Promise((resolve) => {
      const id = pending.size + 1
      pending.set(id, resolve)
      socket.send(JSON.stringify({ id, method, params }))
    })
  await call('Profiler.enable')
  await call('Profiler.setSamplingInterval', { interval: SAMPLING_US })
  await call('Profiler.start')
  await run()
  const { profile } = (await call('Profiler.stop')) as { profile: CPUProfile }
  socket.close()
  return profile
}

/** Microseconds that each function took itself, over the whole profile, the longest first. */
export function sumSelfTimes({ nodes, samples, timeDeltas }: CPUProfile): [string, number][] {
  const names = new Map(
    nodes.map(({ id, callFrame }) => {
      const { functionName, url, lineNumber } = callFrame
      const file = url.split('/').at(-1) ?? ''
      return [id, `${functionName || '(anonymous)'} ${file}${file && `:${lineNumber + 1}`}`]
    }),
  )
  const times = new Map<string, number>()
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? '(unknown)'
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0))
  }
  return [...times].toSorted(([, a], [, b]) => b - a)
}
