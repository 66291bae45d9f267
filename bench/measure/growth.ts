/** Deletions in a growing database, of users in more groups, and with D1 farther away. */
import { compare, type Ratio, type Summary, summarize } from '../support/statistics.ts'
import type { DatabaseCounts } from '../workers/wrapped.ts'
import { readCounts } from './counts.ts'
import { type Kind, POPULATION, type RunningKind, withKinds } from './kinds.ts'
import { deletion } from './requests.ts'
import { type Rounds, runRounds, warmUp } from './rounds.ts'

export type Row = 'users' | 'groups of the user'

export interface Point {
  readonly size: number
  readonly deletion: Summary
  readonly minimum: Summary
  readonly toMinimum: Ratio
  /** Against the first point of the row. */
  readonly toFirst: Ratio
  readonly counts: DatabaseCounts
}

export type GrowthResult = Readonly<Record<Row, readonly Point[]>>

/** Rounds that are prepared at a time: few, so that a database of ten users stays small. */
const BLOCK = 6
const PEOPLE = 400

const FULL: Readonly<Record<Row, Rounds>> = {
  users: { warmUp: 480, rounds: 1_800 },
  'groups of the user': { warmUp: 480, rounds: 300 },
}
const QUICK: Rounds = { warmUp: 24, rounds: 24 }

const databaseOf = (population: number) => `users-${population}`
const nameOf = (row: Row, size: number, what: string) => `${row} ${size} ${what}`

/** The kinds of one point: this project, the minimum deletion, and this project counted. */
function kindsOf(row: Row, size: number): [string, Kind][] {
  const requests = deletion(row === 'users' ? 1 : size)
  const database = databaseOf(row === 'users' ? size : POPULATION)
  const kind = { worker: 'this project', database, ...requests } as const
  return [
    [nameOf(row, size, 'deletion'), kind],
    [nameOf(row, size, 'minimum'), { ...kind, worker: 'minimum deletion' }],
    [nameOf(row, size, 'counted'), { ...kind, isWrapped: true, isolates: 1 }],
  ]
}

export function measureGrowth(quick: boolean): Promise<GrowthResult> {
  const populations = quick ? [10, POPULATION] : [10, POPULATION, 1_000_000]
  const rows: [Row, readonly number[]][] = [
    ['users', populations],
    ['groups of the user', [1, 10, 100, 1000]],
  ]
  const kinds = rows.flatMap(([row, sizes]) => sizes.flatMap((size) => kindsOf(row, size)))
  const databases = populations.map((population) => [
    databaseOf(population),
    { population, people: population < POPULATION ? 2 * BLOCK : PEOPLE },
  ])
  const use = async (running: readonly RunningKind[]) => {
    const result: Partial<Record<Row, Point[]>> = {}
    for (const [row, sizes] of rows) {
      const { warmUp: warmth, rounds } = quick ? QUICK : FULL[row]
      const find = (size: number, what: string) =>
        running.find(({ name }) => name === nameOf(row, size, what))!
      const timed = sizes.flatMap((size) => [find(size, 'deletion'), find(size, 'minimum')])
      await warmUp(timed, warmth, row === 'users' ? BLOCK : undefined)
      const times = await runRounds(`growth, ${row}`, timed, rounds, BLOCK)
      const timesOf = (size: number, what: string) => times.get(nameOf(row, size, what))!
      result[row] = []
      for (const size of sizes) {
        const [ours, minimum] = [timesOf(size, 'deletion'), timesOf(size, 'minimum')]
        result[row].push({
          size,
          deletion: summarize(ours),
          minimum: summarize(minimum),
          toMinimum: compare(ours, minimum),
          toFirst: compare(ours, timesOf(sizes[0]!, 'deletion')),
          counts: await readCounts(find(size, 'counted')),
        })
      }
    }
    return result as GrowthResult
  }
  return withKinds(Object.fromEntries(kinds), use, Object.fromEntries(databases))
}

/** Number of rounds by the milliseconds of a round trip to D1. */
const DISTANCES = { full: { 5: 150, 30: 60, 150: 20 }, quick: { 5: 10, 30: 5, 150: 1 } }
/** Enough to fetch the keys. A request that mostly waits needs no optimised code. */
const DISTANCE_WARM_UP = 16

export interface DistanceResult {
  readonly distanceMs: number
  readonly deletion: Summary
  readonly tutorial: Summary
  readonly ratio: Ratio
}

export async function measureDistance(quick: boolean): Promise<readonly DistanceResult[]> {
  const rows = Object.entries(quick ? DISTANCES.quick : DISTANCES.full)
  const kinds = rows.flatMap(([distance]) =>
    (['this project', 'tutorial'] as const).map((worker): [string, Kind] => [
      `${worker} ${distance}`,
      { worker, isWrapped: true, isolates: 1, vars: { DISTANCE_MS: distance }, ...deletion() },
    ]),
  )
  return withKinds(Object.fromEntries(kinds), async (running) => {
    const results: DistanceResult[] = []
    for (const [distance, rounds] of rows) {
      const pair = running.filter(({ name }) => name.endsWith(` ${distance}`))
      await warmUp(pair, DISTANCE_WARM_UP)
      const times = await runRounds(`D1 ${distance} ms away`, pair, rounds)
      const [ours, tutorial] = pair.map(({ name }) => times.get(name)!)
      results.push({
        distanceMs: Number(distance),
        deletion: summarize(ours!),
        tutorial: summarize(tutorial!),
        ratio: compare(tutorial!, ours!),
      })
    }
    return results
  })
}
