/** Distance: a D1 that waits at every round trip, as a caller far from the database sees it. */
import { type Stage, withStage } from '../rig/stage.ts'
import { compare, type Ratio, type Summary, summarize } from '../rig/statistics.ts'
import { setUp } from './catalogue.ts'
import { issueTokens, removals } from './requests.ts'
import { type Kind, runRounds } from './rounds.ts'
import { warmUp } from './warm.ts'

const WRAPPER = { file: 'distant.ts', name: 'withDistance' }
const ALMOST_COLD = 16
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
  warmth: number,
  roundsByDistance: RoundsByDistance,
): Promise<readonly DistanceResult[]> {
  const distances = Object.keys(roundsByDistance).map(Number)
  return withStage(
    {
      run: 'distance',
      databases: [{ name: 'main', population: 10_000, people: 1_000 }],
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
        results.push(await measureOne(stage, distance, warmth, rounds))
      }
      return results
    },
  )
}

async function measureOne(
  { runtime, issuer, inviteTo }: Stage,
  distanceMs: number,
  warmth: number,
  rounds: number,
): Promise<DistanceResult> {
  const { administrator } = await issueTokens(issuer)
  const kinds: Kind[] = WORKERS.map((name) => ({
    name,
    origins: [runtime.originOf(`${name} ${distanceMs}`)],
    status: 200,
    prepare: removals(inviteTo('main'), administrator),
  }))
  // Where waiting takes most of the time, a key fetch is all that must be over.
  await warmUp(kinds, distanceMs === 0 ? warmth : ALMOST_COLD)
  const times = await runRounds(`D1 ${distanceMs} ms away`, kinds, rounds)
  const [deletion, tutorial] = WORKERS.map((name) => times.get(name)!)
  return {
    distanceMs,
    deletion: summarize(deletion!),
    tutorialDeletion: summarize(tutorial!),
    ratio: compare(tutorial!, deletion!),
  }
}
