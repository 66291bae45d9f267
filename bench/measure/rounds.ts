/**
 * Interleaved rounds: each kind of request once, one at a time, in a new random order. In a fixed order the end of one
 * request (its log line, its commit) would always fall into the time of the same next one.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { median, shuffle } from 'simple-statistics'
import { type RequestSpec, time } from '../support/client.ts'
import { startProgress } from '../support/progress.ts'
import {
  compareAll,
  type Ratios,
  type Series,
  summarizeAll,
  type Summary,
} from '../support/statistics.ts'
import { checkSameResponse, type Kinds, type RunningKind, withKinds } from './kinds.ts'

export interface Rounds {
  /** Requests of each isolate before anything is timed. */
  readonly warmUp: number
  readonly rounds: number
}

export interface RoundsResult {
  readonly summaries: Readonly<Record<string, Summary>>
  readonly ratios: Ratios
  /** Milliseconds of CPU per request. */
  readonly cpu: Readonly<Record<string, number>>
}

/** Rounds that are not counted, for the first use of each connection; at most a quarter of the rounds. */
const SETTLING = 24
const BLOCK = 48
const WARM_UP_BLOCK = 240
/** Time for the work after a response: a log line, a checkpoint. */
const SETTLE_MS = 5

/**
 * Times the kinds in rounds, and measures the CPU of each.
 *
 * @param alike pairs of kinds that must respond with the same bytes
 */
export function measureKinds(
  kinds: Kinds,
  size: Rounds & { readonly cpuBlocks: number },
  alike: readonly (readonly [string, string])[] = [],
): Promise<RoundsResult> {
  return withKinds(kinds, async (running, pid) => {
    for (const pair of alike) await checkSameResponse(running, ...pair)
    await warmUp(running, size.warmUp)
    const times = await runRounds('one at a time', running, size.rounds)
    return {
      summaries: summarizeAll(times),
      ratios: compareAll(kinds, times),
      cpu: await measureCPU(running, pid, size.cpuBlocks),
    }
  })
}

/** The isolate of a kind whose turn it is. */
function isolateAt({ origins }: RunningKind, turn: number): string {
  return origins[turn % origins.length]!
}

/**
 * Sends each isolate the same number of requests, since V8 optimises code that ran often: more than a thousand requests
 * until a Worker is as fast as it gets, and more for a larger Worker.
 *
 * @param block number of requests that are prepared at a time
 */
export async function warmUp(
  kinds: readonly RunningKind[],
  requests: number,
  block = WARM_UP_BLOCK,
): Promise<void> {
  const isolates = kinds.flatMap((kind) => kind.origins.map((origin) => ({ kind, origin })))
  const update = startProgress('warm-up', isolates.length)
  for (const [index, { kind, origin }] of shuffle(isolates).entries()) {
    const wanted = Math.ceil(requests / kind.every)
    for (let sent = 0; sent < wanted; sent += block) {
      const specs = await kind.make(Math.min(block, wanted - sent), true)
      for (const spec of specs) await time(origin, spec, kind.status)
    }
    update(index + 1)
  }
}

/**
 * Times the rounds, in milliseconds.
 *
 * @param block number of rounds that are prepared at a time
 */
export async function runRounds(
  title: string,
  kinds: readonly RunningKind[],
  rounds: number,
  block = BLOCK,
): Promise<Series> {
  const times = new Map(kinds.map(({ name }) => [name, [] as number[]]))
  const turns = new Map<RunningKind, number>()
  const settling = Math.min(SETTLING, Math.floor(rounds / 4))
  const all = settling + rounds
  const update = startProgress(title, all)
  for (let from = 0; from < all; from += block) {
    const count = Math.min(block, all - from)
    const prepared = new Map<RunningKind, RequestSpec[]>()
    for (const kind of kinds) prepared.set(kind, await kind.make(Math.ceil(count / kind.every)))
    for (let index = 0; index < count; index++) {
      const present = kinds.filter(({ every }) => index % every === 0)
      for (const kind of shuffle(present)) {
        const turn = turns.get(kind) ?? 0
        turns.set(kind, turn + 1)
        const spent = await time(isolateAt(kind, turn), prepared.get(kind)!.pop()!, kind.status)
        if (from + index >= settling) times.get(kind.name)!.push(spent)
      }
    }
    update(from + count)
  }
  return times
}

/** Milliseconds of CPU per request: the median of blocks, each of one kind, in random order. */
async function measureCPU(
  kinds: readonly RunningKind[],
  pid: number,
  blocks: number,
): Promise<Readonly<Record<string, number>>> {
  const used = new Map(kinds.map(({ name }) => [name, [] as number[]]))
  const update = startProgress('CPU per request', blocks)
  for (let block = 0; block < blocks; block++) {
    for (const kind of shuffle([...kinds])) {
      const specs = await kind.make(Math.ceil(BLOCK / kind.every))
      await sleep(SETTLE_MS)
      const before = readProcessCPU(pid)
      for (const spec of specs) await time(isolateAt(kind, block), spec, kind.status)
      await sleep(SETTLE_MS)
      used.get(kind.name)!.push((readProcessCPU(pid) - before) / specs.length)
    }
    update(block + 1)
  }
  return Object.fromEntries([...used].map(([name, values]) => [name, median(values)]))
}

/**
 * CPU time of workerd so far, in milliseconds: HTTP, the Workers, and local D1. Linux counts it for each thread, to the
 * nanosecond. NaN on a system without `/proc`.
 */
export function readProcessCPU(pid: number): number {
  if (process.platform !== 'linux') return NaN
  let nanoseconds = 0
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [running = ''] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')
    nanoseconds += Number(running)
  }
  return nanoseconds / 1e6
}
