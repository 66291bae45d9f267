/** 16 requests at once: the time of each, and how many a second are answered. Kinds take turns in blocks, in any order. */
import { shuffle } from 'simple-statistics'
import { load } from '../rig/client.ts'
import { startProgress } from '../rig/progress.ts'
import { median, type Summary, summarize } from '../rig/statistics.ts'
import { isolateAt, type Kind } from './rounds.ts'

const CONCURRENCY = 16
const REQUESTS = 160
const SLOW_REQUESTS = 64

export interface ConcurrentSummary extends Summary {
  /** Answers a second, of all 16 together; the median of the blocks. */
  readonly throughput: number
}

export interface ConcurrentResult {
  readonly concurrency: number
  readonly summaries: Readonly<Record<string, ConcurrentSummary>>
}

export async function runConcurrently(
  kinds: readonly Kind[],
  blocks: number,
): Promise<ConcurrentResult> {
  const times = new Map(kinds.map(({ name }) => [name, [] as number[]]))
  const rates = new Map(kinds.map(({ name }) => [name, [] as number[]]))
  const progress = startProgress(`${CONCURRENCY} at once`, blocks)
  for (let block = 0; block < blocks; block++) {
    for (const kind of shuffle([...kinds])) {
      const specs = await kind.prepare(kind.every === undefined ? REQUESTS : SLOW_REQUESTS)
      const origin = isolateAt(kind, block)
      const { times: spent, elapsedMs } = await load(origin, specs, kind.status, CONCURRENCY)
      times.get(kind.name)!.push(...spent)
      rates.get(kind.name)!.push((specs.length / elapsedMs) * 1000)
    }
    progress.update(block + 1)
  }
  progress.stop()
  return {
    concurrency: CONCURRENCY,
    summaries: Object.fromEntries(
      kinds.map(({ name }) => [
        name,
        { ...summarize(times.get(name)!), throughput: median(rates.get(name)!) },
      ]),
    ),
  }
}
