/**
 * Growth: the same deletion as the database, the user's groups and the caller's groups grow, each time in rounds with
 * the least deletion on the same data.
 */
import { type Stage, withStage } from '../rig/stage.ts'
import { compare, type Ratio, type Summary, summarize } from '../rig/statistics.ts'
import { administratorIn, CALLER_GROUPS, groupIDs } from '../rig/world.ts'
import type { DatabaseCounts } from '../workers/wrap/counted.ts'
import { setUp } from './catalogue.ts'
import { COUNTED, readCounts } from './counts.ts'
import { issueTokens, removals } from './requests.ts'
import { type Kind, type Rounds, runRounds } from './rounds.ts'
import { warmUp } from './warm.ts'

const MIDDLE = 10_000
const TARGET_GROUPS = [1, 10, 100, 1000]
const WORKERS = ['identity', 'leastDeletion'] as const
const ISOLATES = 3
/** Small, so that a database of ten users stays one. */
const BLOCK = 6
/** Users invited at a time where the size of the database does not matter. */
const CHUNK = 96
const PEOPLE = 2 * CHUNK

export interface GrowthSize {
  readonly populations: readonly number[]
  readonly rounds: Readonly<Record<keyof GrowthResult, Rounds>>
}

export interface Point {
  readonly size: number
  readonly deletion: Summary
  readonly leastDeletion: Summary
  readonly counts: DatabaseCounts
  readonly leastCounts: DatabaseCounts
  readonly toLeast: Ratio
  /** Against the first point of its row. */
  readonly toFirst: Ratio
}

export interface GrowthResult {
  readonly populations: readonly Point[]
  readonly targetGroups: readonly Point[]
  readonly callerGroups: readonly Point[]
}

const databaseOf = (population: number) => `users-${population}`

export async function measureGrowth({ populations, rounds }: GrowthSize): Promise<GrowthResult> {
  return withStage(
    {
      run: 'growth',
      databases: populations.map((population) => ({
        name: databaseOf(population),
        population,
        people: population < MIDDLE ? BLOCK * 2 : PEOPLE,
      })),
      workers: async ({ variables }) => {
        const setups = []
        for (const [row, sizes] of rowsOf(populations)) {
          for (const point of sizes) {
            for (const worker of WORKERS) {
              const database = databaseOf(row === 'populations' ? point : MIDDLE)
              for (let index = 0; index < ISOLATES; index++) {
                const name = nameOf(worker, row, point, index)
                setups.push(await setUp(worker, { name, database, variables }))
              }
              const name = nameOf(worker, row, point, 'counted')
              const wrapper = COUNTED
              setups.push(await setUp(worker, { name, database, variables }, { wrapper }))
            }
          }
        }
        return setups
      },
    },
    async (stage) => {
      const points: Record<string, Point[]> = {}
      for (const [row, sizes] of rowsOf(populations)) {
        points[row] = await measureRow(stage, row, sizes, rounds[row])
      }
      return points as unknown as GrowthResult
    },
  )
}

type Row = keyof GrowthResult

function rowsOf(populations: readonly number[]): [Row, readonly number[]][] {
  return [
    ['populations', populations],
    ['targetGroups', TARGET_GROUPS],
    ['callerGroups', CALLER_GROUPS],
  ]
}

const TITLES: Readonly<Record<Row, string>> = {
  populations: 'growth: users',
  targetGroups: "growth: the user's groups",
  callerGroups: "growth: the caller's groups",
}

function nameOf(worker: string, row: Row, size: number, index?: number | 'counted'): string {
  return [worker, row, size, ...(index === undefined ? [] : [index])].join(' ')
}

async function measureRow(
  { runtime, issuer, inviteTo }: Stage,
  row: Row,
  sizes: readonly number[],
  size: Rounds,
): Promise<Point[]> {
  const { administrator } = await issueTokens(issuer)
  const kinds: Kind[] = []
  /** A user in a thousand groups takes too long to invite for warming up; the code that runs is the same. */
  const warmers = new Map<string, Kind['prepare']>()
  for (const point of sizes) {
    const database = databaseOf(row === 'populations' ? point : MIDDLE)
    const token =
      row === 'callerGroups' ? await issuer.issueToken(administratorIn(point)) : administrator
    const groups = groupIDs(row === 'targetGroups' ? point : 1)
    for (const worker of WORKERS) {
      const name = nameOf(worker, row, point)
      warmers.set(name, removals(inviteTo(database), token))
      kinds.push({
        name,
        origins: Array.from({ length: ISOLATES }, (_, index) =>
          runtime.originOf(nameOf(worker, row, point, index)),
        ),
        status: 200,
        prepare: removals(inviteTo(database), token, groups),
      })
    }
  }
  await warmUp(
    kinds.map((kind) => ({ ...kind, prepare: warmers.get(kind.name)! })),
    size.warmUp,
    row === 'populations' ? BLOCK : CHUNK,
  )
  const times = await runRounds(TITLES[row], kinds, size.rounds, BLOCK)
  const first = times.get(nameOf('identity', row, sizes[0]!))!
  const points: Point[] = []
  for (const point of sizes) {
    const count = (worker: (typeof WORKERS)[number]) => {
      const { prepare } = kinds.find(({ name }) => name === nameOf(worker, row, point))!
      return readCounts(runtime.originOf(nameOf(worker, row, point, 'counted')), prepare)
    }
    const deletion = times.get(nameOf('identity', row, point))!
    const least = times.get(nameOf('leastDeletion', row, point))!
    points.push({
      size: point,
      deletion: summarize(deletion),
      leastDeletion: summarize(least),
      counts: await count('identity'),
      leastCounts: await count('leastDeletion'),
      toLeast: compare(deletion, least),
      toFirst: compare(deletion, first),
    })
  }
  return points
}
