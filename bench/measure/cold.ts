/**
 * The first request of an isolate that has no keys, beside its second. Each isolate has a key set URL of its own, so none
 * finds keys in the Cache API.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { shuffle } from 'simple-statistics'
import { time } from '../support/client.ts'
import { startProgress } from '../support/progress.ts'
import { compareAll, type Ratios, type Summary, summarizeAll } from '../support/statistics.ts'
import { readProcessCPU } from './cpu.ts'
import { type Kinds, withKinds } from './kinds.ts'
import { deletion } from './requests.ts'

const ISOLATES = { full: 40, quick: 10 }
/** The first isolates of each kind are not counted: they start what all share, such as local D1 and the Cache API. */
const SETTLING = 2
/** Time for what a first request leaves to do after its response, such as filling the cache. */
const SETTLE_MS = 20

const kindsOf = (isolates: number): Kinds => ({
  'minimum deletion': { worker: 'minimum deletion', isolates, ...deletion() },
  'this project': {
    worker: 'this project',
    isolates,
    ...deletion(),
    atMost: { 'minimum deletion': 1.85 },
  },
  tutorial: { worker: 'tutorial', isolates, ...deletion() },
})

export interface ColdResult {
  /** Times at the caller. */
  readonly first: Readonly<Record<string, Summary>>
  readonly second: Readonly<Record<string, Summary>>
  /** CPU of the first request, in milliseconds, and its ratios. */
  readonly cpu: Readonly<Record<string, Summary>>
  readonly ratios: Ratios
}

export async function measureCold(quick: boolean): Promise<ColdResult> {
  const kinds = kindsOf(SETTLING + (quick ? ISOLATES.quick : ISOLATES.full))
  return withKinds(kinds, async (running, pid) => {
    const createSeries = () => new Map(running.map(({ name }) => [name, [] as number[]]))
    const [first, second, cpu] = [createSeries(), createSeries(), createSeries()]
    const isolates = running.flatMap((kind) => kind.origins.map((origin) => ({ kind, origin })))
    const settling = isolates.filter(({ kind, origin }) => kind.origins.indexOf(origin) < SETTLING)
    const counted = isolates.filter((isolate) => !settling.includes(isolate))
    const progress = startProgress('first requests of cold isolates', isolates.length)
    for (const [index, isolate] of [...settling, ...shuffle(counted)].entries()) {
      const { kind, origin } = isolate
      const [one, two] = await kind.make(2)
      await sleep(SETTLE_MS)
      const before = readProcessCPU(pid)
      const firstMs = await time(origin, one!, kind.status)
      await sleep(SETTLE_MS)
      const cpuMs = readProcessCPU(pid) - before
      const secondMs = await time(origin, two!, kind.status)
      progress.update(index + 1)
      if (index < settling.length) continue
      first.get(kind.name)!.push(firstMs)
      cpu.get(kind.name)!.push(cpuMs)
      second.get(kind.name)!.push(secondMs)
    }
    progress.stop()
    return {
      first: summarizeAll(first),
      second: summarizeAll(second),
      cpu: summarizeAll(cpu),
      ratios: compareAll(kinds, cpu),
    }
  })
}
