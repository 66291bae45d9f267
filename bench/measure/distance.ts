/** Distance: a D1 that waits at every round trip, as a caller far from the database sees it. */
import { startProgress } from '../rig/progress.ts'
import { type Stage, withStage } from '../rig/stage.ts'
import { compare, type Ratio, type Summary, summarize } from '../rig/statistics.ts'
import { setUp } from './catalogue.ts'
import { issueTokens, removals } from './requests.ts'
import { type Kind, runRounds } from './rounds.ts'

const WRAPPER = { file: 'distant.ts', name: 'withDistance' }
const WORKERS = ['identity', 'tutorial'] as const

/** Milliseconds a round trip. 0 goes through the same wrapper, so that the wrapper itself is in every row. */
export type RoundsByDistance = Readonly<Record<number, number>>

export interface DistanceResult {
  readonly distanceMs: number
  readonly deletion: Summary
  readonly tutorialDeletion: Summary
  readonly ratio: Ratio
}

export async function measureDistance(
  warmUp: number,
  roundsByDistance: RoundsByDistance,
): Promise<readonly DistanceResult[]> {
  const distances = Object.keys(roundsByDistance).map(Number)
  return withStage(
    {
      run: 'distance',
      databases: [{ name: 'main', population: 10_000, people: 200 }],
      workers: ({ variables }) =>
        Promise.all(
          distances.flatMap((distance) =>
            WORKERS.map((worker) =>
              setUp(
                worker,
                {
                  name: `${worker} ${distance}`,
                  database: 'main',
                  variables: { ...variables, DISTANCE_MS: distance },
                },
                { wrapper: WRAPPER },
              ),
            ),
          ),
        ),
    },
    async (stage) => {
      const results: DistanceResult[] = []
      for (const distance of distances) {
        const rounds = roundsByDistance[distance]!
        results.push(await measureOne(stage, distance, Math.min(warmUp, rounds), rounds))
      }
      return results
    },
  )
}

async function measureOne(
  { runtime, issuer, inviteTo }: Stage,
  distanceMs: number,
  warmUp: number,
  rounds: number,
): Promise<DistanceResult> {
  const { administrator } = await issueTokens(issuer)
  const kinds: Kind[] = WORKERS.map((name) => ({
    name,
    origins: [runtime.originOf(`${name} ${distanceMs}`)],
    status: 200,
    prepare: removals(inviteTo('main'), administrator),
  }))
  const progress = startProgress(`D1 ${distanceMs} ms away`, warmUp + rounds)
  const times = await runRounds(kinds, { warmUp, rounds }, progress.update, 20)
  progress.stop()
  const [deletion, tutorial] = WORKERS.map((name) => times.get(name)!)
  return {
    distanceMs,
    deletion: summarize(deletion!),
    tutorialDeletion: summarize(tutorial!),
    ratio: compare(tutorial!, deletion!),
  }
}
