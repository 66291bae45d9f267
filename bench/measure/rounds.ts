/**
 * Interleaved rounds: in each, every kind of request once, in an order drawn anew, one at a time. A fixed order would
 * let the tail of one request (its log line, its commit) always fall into the time of the same next one.
 */
import { shuffle } from 'simple-statistics'
import { type RequestSpec, time } from '../rig/client.ts'
import { startProgress } from '../rig/progress.ts'

/** A kind of request. It has isolates of its own, so that all kinds are warmed alike and none warms another. */
export interface Kind {
  readonly name: string
  /** Where its isolates listen. They run the same code, and take turns: no two of them are equally fast. */
  readonly origins: readonly string[]
  readonly status: number
  /** Requests that will get that status, once each. */
  readonly prepare: (count: number) => RequestSpec[] | Promise<RequestSpec[]>
  /** A slow kind may take part only in every so manieth round. */
  readonly every?: number
}

/** Whose turn it is among the isolates of a kind. */
export function isolateAt({ origins }: Kind, turn: number): string {
  return origins[turn % origins.length]!
}

export interface Rounds {
  /** Requests that each isolate gets beforehand. */
  readonly warmUp: number
  readonly rounds: number
}

/** Rounds that are not counted, for the first use of a connection and what warming up has left to be done; a quarter at most. */
const SETTLING = 24

const BLOCK = 48

/**
 * The milliseconds of each kind, in the order of the rounds.
 *
 * @param title what is measured, for whoever waits
 * @param block how many rounds are prepared at a time
 */
export async function runRounds(
  title: string,
  kinds: readonly Kind[],
  rounds: number,
  block = BLOCK,
): Promise<ReadonlyMap<string, number[]>> {
  const times = new Map(kinds.map(({ name }) => [name, [] as number[]]))
  const turns = new Map<Kind, number>()
  const settling = Math.min(SETTLING, Math.floor(rounds / 4))
  const all = settling + rounds
  const progress = startProgress(title, all)
  for (let from = 0; from < all; from += block) {
    const count = Math.min(block, all - from)
    const prepared = new Map<Kind, RequestSpec[]>()
    for (const kind of kinds) {
      prepared.set(kind, await kind.prepare(Math.ceil(count / (kind.every ?? 1))))
    }
    for (let index = 0; index < count; index++) {
      const present = kinds.filter(({ every = 1 }) => index % every === 0)
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
