/** A deletion when each round trip to D1 takes some time, as for a caller far from the database. */
import { compare, type Ratio, type Summary, summarize } from '../support/statistics.ts'
import { type Kind, withKinds } from './kinds.ts'
import { deletion } from './requests.ts'
import { runRounds, warmUp } from './rounds.ts'

const WORKERS = ['this project', 'tutorial'] as const

/** Rounds by the milliseconds of a round trip. The wrapper is part of each row, also at 0 ms. */
const FULL = { 0: 300, 5: 150, 30: 60, 150: 20 }
const QUICK = { 0: 40, 5: 10, 30: 5, 150: 1 }

export interface DistanceResult {
  readonly distanceMs: number
  readonly deletion: Summary
  readonly tutorial: Summary
  readonly ratio: Ratio
}

export async function measureDistance(quick: boolean): Promise<readonly DistanceResult[]> {
  const rows = Object.entries(quick ? QUICK : FULL)
  const kinds = rows.flatMap(([distance]) =>
    WORKERS.map((worker): [string, Kind] => [
      `${worker} ${distance}`,
      { worker, isWrapped: true, isolates: 1, vars: { DISTANCE_MS: distance }, ...deletion() },
    ]),
  )
  return withKinds(Object.fromEntries(kinds), async (running) => {
    const results: DistanceResult[] = []
    for (const [distance, rounds] of rows) {
      const pair = running.filter(({ name }) => name.endsWith(` ${distance}`))
      // When a request mostly waits, only the key fetch must be over.
      await warmUp(pair, distance === '0' && !quick ? 960 : 16)
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
