/** This project, by transport and outcome, against what one would build or install instead. */
import { median, shuffle } from 'simple-statistics'
import { CONCURRENCY, load } from '../support/client.ts'
import { startProgress } from '../support/progress.ts'
import { compareAll, type Summary, summarize, summarizeAll } from '../support/statistics.ts'
import { measureCPU } from './cpu.ts'
import { BETTER_AUTH_DATABASE, type Kinds, type RunningKind, withKinds } from './kinds.ts'
import * as requests from './requests.ts'
import { isolateAt, type RoundsResult, runRounds, warmUp } from './rounds.ts'

const deletion = requests.deletion()
const ours = { worker: 'this project' } as const
const against = ['deletion']
const slow = { every: 4, against }

const ALTERNATIVES: Kinds = {
  nothing: { worker: 'nothing', ...requests.anyCall },
  'minimum deletion': { worker: 'minimum deletion', ...deletion },
  deletion: { ...ours, ...deletion },
  'deletion by RPC': { ...ours, through: 'rpc', ...deletion, against },
  'deletion by bound fetch': { ...ours, through: 'fetch', ...deletion, against },
  'no such user': { ...ours, ...requests.noSuchUser },
  'no permission': { ...ours, ...requests.notPermitted },
  'expired token': { ...ours, ...requests.expiredToken },
  'refused token': { ...ours, ...requests.refusedToken },
  'tutorial deletion': { worker: 'tutorial', ...slow, ...deletion },
  'tutorial deletion, keys given': {
    worker: 'tutorial',
    vars: { KEYS: 'given' },
    ...slow,
    ...deletion,
  },
  'better-auth removal': {
    worker: 'better-auth',
    database: BETTER_AUTH_DATABASE,
    ...slow,
    ...requests.memberRemoval,
  },
}

const FULL = { warmUp: 960, rounds: 2_880, blocks: 12, cpuBlocks: 18 }
const QUICK = { warmUp: 36, rounds: 72, blocks: 1, cpuBlocks: 1 }
const CONCURRENT_REQUESTS = 192

export interface AlternativesResult extends RoundsResult {
  /** 16 at once. `throughput`: responses a second, of all together; the median of the blocks. */
  readonly concurrent: Readonly<Record<string, Summary & { readonly throughput: number }>>
}

export function measureAlternatives(quick: boolean): Promise<AlternativesResult> {
  const size = quick ? QUICK : FULL
  return withKinds(ALTERNATIVES, async (running, pid) => {
    await warmUp(running, size.warmUp)
    const times = await runRounds('one at a time', running, size.rounds)
    return {
      summaries: summarizeAll(times),
      ratios: compareAll(ALTERNATIVES, times),
      concurrent: await runConcurrently(running, size.blocks),
      cpu: await measureCPU(running, pid, size.cpuBlocks),
    }
  })
}

/** Blocks of one kind, in random order. */
async function runConcurrently(
  kinds: readonly RunningKind[],
  blocks: number,
): Promise<AlternativesResult['concurrent']> {
  const all = new Map(kinds.map(({ name }) => [name, [] as number[]]))
  const rates = new Map(kinds.map(({ name }) => [name, [] as number[]]))
  const progress = startProgress(`${CONCURRENCY} at once`, blocks)
  for (let block = 0; block < blocks; block++) {
    for (const kind of shuffle([...kinds])) {
      const specs = await kind.make(Math.ceil(CONCURRENT_REQUESTS / kind.every))
      const { times, elapsedMs } = await load(isolateAt(kind, block), specs, kind.status)
      all.get(kind.name)!.push(...times)
      rates.get(kind.name)!.push((specs.length / elapsedMs) * 1000)
    }
    progress.update(block + 1)
  }
  progress.stop()
  const summaries = kinds.map(({ name }) => {
    const throughput = median(rates.get(name)!)
    return [name, Object.assign({ throughput }, summarize(all.get(name)!))]
  })
  return Object.fromEntries(summaries)
}
