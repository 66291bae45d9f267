/**
 * CPU a request: of the whole workerd process, so of HTTP, the Worker, and the local D1 behind it, and of both sides of
 * their conversation. The caller is another process and does not count. Blocks of one kind, in an order drawn anew.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { shuffle } from 'simple-statistics'
import { time } from '../rig/client.ts'
import { readProcessCPU } from '../rig/process-cpu.ts'
import { startProgress } from '../rig/progress.ts'
import { median } from '../rig/statistics.ts'
import { isolateAt, type Kind } from './rounds.ts'

const REQUESTS = 48
/** What a request leaves to be done after its answer (a log line, a checkpoint) is given time to happen. */
const SETTLE_MS = 5

/** Milliseconds of CPU a request, by kind: the median of the blocks. */
export type CPUResult = Readonly<Record<string, number>>

export async function measureCPU(
  kinds: readonly Kind[],
  pid: number,
  blocks: number,
): Promise<CPUResult> {
  const used = new Map(kinds.map(({ name }) => [name, [] as number[]]))
  const progress = startProgress('CPU a request', blocks)
  for (let block = 0; block < blocks; block++) {
    for (const kind of shuffle([...kinds])) {
      const { name, status, prepare } = kind
      const specs = await prepare(REQUESTS)
      await sleep(SETTLE_MS)
      const before = readProcessCPU(pid)
      for (const spec of specs) await time(isolateAt(kind, block), spec, status)
      await sleep(SETTLE_MS)
      used.get(name)!.push((readProcessCPU(pid) - before) / REQUESTS)
    }
    progress.update(block + 1)
  }
  progress.stop()
  return Object.fromEntries([...used].map(([name, values]) => [name, median(values)]))
}
