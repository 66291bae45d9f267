/**
 * CPU time of the whole workerd process: HTTP, the Worker, and local D1 behind it. The caller is another process. Linux
 * counts it for each thread, to the nanosecond.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { median, shuffle } from 'simple-statistics'
import { time } from '../support/client.ts'
import { startProgress } from '../support/progress.ts'
import type { RunningKind } from './kinds.ts'
import { isolateAt } from './rounds.ts'

const REQUESTS = 48
/** Time for what a request leaves to do after its response: a log line, a checkpoint. */
const SETTLE_MS = 5

/** CPU time of a process so far, in milliseconds; NaN on a system without `/proc`. */
export function readProcessCPU(pid: number): number {
  if (process.platform !== 'linux') return NaN
  let nanoseconds = 0
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [running = ''] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')
    nanoseconds += Number(running)
  }
  return nanoseconds / 1e6
}

/** Milliseconds of CPU a request: the median of blocks, each of one kind, in random order. */
export async function measureCPU(
  kinds: readonly RunningKind[],
  pid: number,
  blocks: number,
): Promise<Readonly<Record<string, number>>> {
  const used = new Map(kinds.map(({ name }) => [name, [] as number[]]))
  const progress = startProgress('CPU a request', blocks)
  for (let block = 0; block < blocks; block++) {
    for (const kind of shuffle([...kinds])) {
      const specs = await kind.make(Math.ceil(REQUESTS / kind.every))
      await sleep(SETTLE_MS)
      const before = readProcessCPU(pid)
      for (const spec of specs) await time(isolateAt(kind, block), spec, kind.status)
      await sleep(SETTLE_MS)
      used.get(kind.name)!.push((readProcessCPU(pid) - before) / specs.length)
    }
    progress.update(block + 1)
  }
  progress.stop()
  return Object.fromEntries([...used].map(([name, values]) => [name, median(values)]))
}
