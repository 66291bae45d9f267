/**
 * Interleaved rounds: each kind of request once, one at a time, in a new random order. In a fixed order the tail of one
 * request (its log line, its commit) would always fall into the time of the same next one.
 */
import { shuffle } from 'simple-statistics'
import { load, type RequestSpec, time } from '../support/client.ts'
import { startProgress } from '../support/progress.ts'
import { type Ratios, type Series, type Summary } from '../support/statistics.ts'
import type { RunningKind } from './kinds.ts'

export interface Rounds {
  /** Requests of each isolate before anything is timed. */
  readonly warmUp: number
  readonly rounds: number
}

export interface RoundsResult {
  readonly summaries: Readonly<Record<string, Summary>>
  readonly ratios: Ratios
  /** Milliseconds of CPU a request. */
  readonly cpu: Readonly<Record<string, number>>
}

/** Rounds that are not counted, for the first use of each connection; at most a quarter of the rounds. */
const SETTLING = 24
const BLOCK = 48
const WARM_UP_BLOCK = 240

/** The isolate of a kind whose turn it is. */
export function isolateAt({ origins }: RunningKind, turn: number): string {
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
  const progress = startProgress('warm-up', isolates.length)
  for (const [index, { kind, origin }] of shuffle(isolates).entries()) {
    const wanted = Math.ceil(requests / kind.every)
    for (let sent = 0; sent < wanted; sent += block) {
      const specs = await kind.make(Math.min(block, wanted - sent), true)
      await load(origin, specs, kind.status)
    }
    progress.update(index + 1)
  }
  progress.stop()
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
  const progress = startProgress(title, all)
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
    progress.update(from + count)
  }
  progress.stop()
  return times
}
