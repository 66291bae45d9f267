/** The first request of an isolate that has no keys, beside its second. */
import { setTimeout as sleep } from 'node:timers/promises'
import { shuffle } from 'simple-statistics'
import { time } from '../support/client.ts'
import { startProgress } from '../support/progress.ts'
import { compareAll, type Ratios, type Summary, summarizeAll } from '../support/statistics.ts'
import { type Kinds, withKinds } from './kinds.ts'
import { deletion } from './requests.ts'
import { readProcessCPU } from './rounds.ts'

const ISOLATES = { full: 40, quick: 10 }
/** The first isolates of each kind are not counted: they also start what all share, such as local D1. */
const SETTLING = 2
/** Time for the work after a first response, such as filling the cache. */
const SETTLE_MS = 20

export interface ColdResult {
  /** Times at the caller. */
  readonly first: Readonly<Record<string, Summary>>
  readonly second: Readonly<Record<string, Summary>>
  /** CPU of the first request, in milliseconds, and its ratios. */
  readonly cpu: Readonly<Record<string, Summary>>
  readonly ratios: Ratios
}

export async function measureCold(quick: boolean): Promise<ColdResult> {
  const isolates = SETTLING + (quick ? ISOLATES.quick : ISOLATES.full)
  const kinds: Kinds = {
    'minimum deletion': { worker: 'minimum deletion', isolates, ...deletion() },
    'this project': {
      worker: 'this project',
      isolates,
      ...deletion(),
      atMost: { 'minimum deletion': 1.85 },
    },
    tutorial: { worker: 'tutorial', isolates, ...deletion() },
  }
  return withKinds(kinds, async (running, pid) => {
    const createSeries = () => new Map(running.map(({ name }) => [name, [] as number[]]))
    const [first, second, cpu] = [createSeries(), createSeries(), createSeries()]
    const all = running.flatMap((kind) =>
      kind.origins.map((origin, index) => ({ kind, origin, isCounted: index >= SETTLING })),
    )
    const settling = all.filter(({ isCounted }) => !isCounted)
    const counted = shuffle(all.filter(({ isCounted }) => isCounted))
    const update = startProgress('first requests of cold isolates', all.length)
    for (const [index, { kind, origin, isCounted }] of [...settling, ...counted].entries()) {
      const [one, two] = await kind.make(2)
      await sleep(SETTLE_MS)
      const before = readProcessCPU(pid)
      const firstMs = await time(origin, one!, kind.status)
      await sleep(SETTLE_MS)
      const cpuMs = readProcessCPU(pid) - before
      const secondMs = await time(origin, two!, kind.status)
      update(index + 1)
      if (!isCounted) continue
      first.get(kind.name)!.push(firstMs)
      cpu.get(kind.name)!.push(cpuMs)
      second.get(kind.name)!.push(secondMs)
    }
    return {
      first: summarizeAll(first),
      second: summarizeAll(second),
      cpu: summarizeAll(cpu),
      ratios: compareAll(kinds, cpu),
    }
  })
}
