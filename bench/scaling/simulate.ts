/**
 * Beyond one database: what one carries, by the kept measurements, and how a skewed population of organizations loads
 * 1, 10 and 100. Writes `results/scaling.json` and its chart. Deterministic for the same measurements.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { RESULTS } from '../rig/paths.ts'
import { readResults } from '../report/results.ts'
import { measureBytes } from './bytes.ts'
import { drawScaling } from './chart.ts'
import { ASSUMPTIONS, bytesOfUser, createOrganizations, level, spread, sumBy } from './model.ts'
import { simulateQueue } from './queue.ts'
import type { Division, Scaling } from './report.ts'

const DATABASES = [1, 10, 100]
const TOLERANCE = 0.1
const IN_FLIGHT = 16
const QUEUE_S = 60
const MAX_BYTES = 10e9
/** As full as a database should be let: an import, an index or a bad day needs room. */
const FULL = 0.8
/** As busy as it should be in its busiest hour: beyond, waiting grows faster than load. */
const BUSY = 0.6

export async function simulateScaling(): Promise<void> {
  const results = readResults()
  if (results === undefined)
    throw new Error('bench/results has no full.json: make a full run first')
  const { summaries, concurrent } = results.sections.core
  const serviceMs = summaries['batch alone']!.p50 - summaries['nothing']!.p50
  const questionMs = summaries['no permission']!.p50 - summaries['refused token']!.p50
  const bytes = measureBytes()
  const users = (MAX_BYTES * FULL) / bytesOfUser(bytes)
  const organizations = createOrganizations(bytes)
  const divisions: Division[] = []
  let shares: Scaling['shares'] = []
  for (const databases of DATABASES) {
    const places = spread(organizations, databases)
    const {
      places: levelled,
      moved,
      movedUsers,
    } = level(organizations, places, databases, TOLERANCE)
    const sum = (where: readonly number[], figure: 'bytes' | 'peakDeletions' | 'peakQuestions') =>
      sumBy(organizations, where, databases, (organization) => organization[figure])
    const deletions = sum(levelled, 'peakDeletions')
    const questions = sum(levelled, 'peakQuestions')
    const busyShares = deletions.map(
      (each, index) => (each * serviceMs + questions[index]! * questionMs) / 1000,
    )
    const busy = Math.max(...busyShares)
    const busiest = busyShares.indexOf(busy)
    const rate = deletions[busiest]! + questions[busiest]!
    const queue = (inFlight: number) =>
      busy >= 1
        ? undefined
        : simulateQueue({
            seed: ASSUMPTIONS.seed,
            rate,
            serviceS: busy / rate,
            deletionS: serviceMs / 1000,
            inFlight,
            durationS: QUEUE_S,
          })
    const quiet = queue(0)
    const cleaning = queue(IN_FLIGHT)
    divisions.push({
      databases,
      meanBytes: sum(places, 'bytes').reduce((total, each) => total + each, 0) / databases,
      fullestBytes: Math.max(...sum(places, 'bytes')),
      fullestLevelledBytes: Math.max(...sum(levelled, 'bytes')),
      moved,
      movedUsers,
      peakDeletions: Math.max(...deletions),
      peakRequests: rate,
      busy,
      ...(quiet && cleaning && { quiet, cleaning }),
    })
    if (databases === DATABASES.at(-1)) {
      shares = [
        ['by hash', sum(places, 'bytes')],
        ['after moves', sum(levelled, 'bytes')],
      ]
    }
  }
  const scaling: Scaling = {
    commit: results.machine.commit,
    assumptions: ASSUMPTIONS,
    bytes,
    serviceMs,
    questionMs,
    measuredThroughput: concurrent.summaries['deletion']!.throughput,
    one: {
      maxBytes: MAX_BYTES,
      full: FULL,
      busy: BUSY,
      users,
      organizations:
        users / (organizations.reduce((t, each) => t + each.users, 0) / organizations.length),
      deletionsPerSecond: (1000 / serviceMs) * BUSY,
      neededPerSecond:
        ((users * ASSUMPTIONS.yearlyRemovals) / (365 * 86_400)) * ASSUMPTIONS.peakFactor,
    },
    totalUsers: organizations.reduce((total, each) => total + each.users, 0),
    largestShare: largestShareOf(organizations.map((each) => each.users)),
    inFlight: IN_FLIGHT,
    divisions,
    shares,
  }
  mkdirSync(RESULTS, { recursive: true })
  writeFileSync(join(RESULTS, 'scaling.json'), `${JSON.stringify(scaling, null, 2)}\n`)
  writeFileSync(join(RESULTS, 'scaling.svg'), await drawScaling(scaling))
}

/** Which share of all users the largest hundredth of the organizations holds. */
function largestShareOf(sizes: number[]): number {
  sizes.sort((a, b) => b - a)
  const sum = (list: readonly number[]) => list.reduce((total, size) => total + size, 0)
  return sum(sizes.slice(0, sizes.length / 100)) / sum(sizes)
}
