/**
 * Beyond one database: what one carries, by the kept measurements, and how a skewed population of organizations loads
 * 1, 10 and 100. Writes `results/scaling.json` and its chart. The same for the same measurements, at every run.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sum } from 'simple-statistics'
import type { CoreResult } from '../measure/core.ts'
import { readResults } from '../report/results.ts'
import { Advice } from '../rig/advice.ts'
import { RESULTS } from '../rig/paths.ts'
import { measureBytes, type RowBytes } from './bytes.ts'
import { drawScaling } from './chart.ts'
import {
  ASSUMPTIONS,
  bytesOfUser,
  createOrganizations,
  level,
  type Organization,
  spread,
  sumBy,
} from './model.ts'
import { simulateQueue } from './queue.ts'
import type { Division, Scaling } from './report.ts'

const DATABASES = [1, 10, 100]
const TOLERANCE = 0.1
const IN_FLIGHT = 16
const QUEUE_S = 60
const YEAR_S = 365 * 24 * 60 * 60
const MAX_BYTES = 10e9
/** As full as a database should be let: an import, an index or a bad day needs room. */
const FULL = 0.8
/** As busy as it should be in its busiest hour: beyond, waiting grows faster than load. */
const BUSY = 0.6

/** How long requests keep a database, in milliseconds. */
interface Times {
  readonly deletionMs: number
  readonly questionMs: number
}

/** How much longer one kind of request takes than another, in milliseconds. */
function beyond({ summaries }: CoreResult, name: string, base: string): number {
  return summaries[name]!.p50 - summaries[base]!.p50
}

export async function simulateScaling(): Promise<void> {
  const results = readResults()
  if (results === undefined) {
    throw new Advice('bench/results has no full run to build on. Make one: npm run bench')
  }
  const { core } = results.sections
  const times = {
    deletionMs: beyond(core, 'deletion', 'refused token'),
    questionMs: beyond(core, 'no permission', 'refused token'),
  }
  const bytes = measureBytes()
  const organizations = createOrganizations(bytes)
  const sizes = organizations.map(({ users }) => users).toSorted((a, b) => b - a)
  const most = DATABASES.at(-1)!
  const scattered = spread(organizations, most)
  const levelled = level(organizations, scattered, most, TOLERANCE).places
  const scaling: Scaling = {
    commit: results.machine.commit,
    assumptions: ASSUMPTIONS,
    bytes,
    ...times,
    measuredThroughput: core.concurrent.summaries['deletion']!.throughput,
    one: sizeUpOne(bytes, times, sum(sizes) / sizes.length),
    totalUsers: sum(sizes),
    largestShare: sum(sizes.slice(0, sizes.length / 100)) / sum(sizes),
    inFlight: IN_FLIGHT,
    divisions: DATABASES.map((databases) => divide(organizations, databases, times)),
    shares: [
      ['by hash', sumBy(organizations, scattered, most, 'bytes')],
      ['after moves', sumBy(organizations, levelled, most, 'bytes')],
    ],
  }
  mkdirSync(RESULTS, { recursive: true })
  writeFileSync(join(RESULTS, 'scaling.json'), `${JSON.stringify(scaling, null, 2)}\n`)
  writeFileSync(join(RESULTS, 'scaling.svg'), await drawScaling(scaling))
}

function sizeUpOne(bytes: RowBytes, { deletionMs }: Times, meanUsers: number): Scaling['one'] {
  const users = (MAX_BYTES * FULL) / bytesOfUser(bytes)
  const { yearlyRemovals, peakFactor } = ASSUMPTIONS
  return {
    maxBytes: MAX_BYTES,
    full: FULL,
    busy: BUSY,
    users,
    organizations: users / meanUsers,
    deletionsPerSecond: (1000 / deletionMs) * BUSY,
    neededPerSecond: ((users * yearlyRemovals) / YEAR_S) * peakFactor,
  }
}

/** The population over so many databases, and the busiest of them in its busiest hour. */
function divide(organizations: readonly Organization[], databases: number, times: Times): Division {
  const places = spread(organizations, databases)
  const { places: levelled, moved, movedUsers } = level(organizations, places, databases, TOLERANCE)
  const bytes = sumBy(organizations, places, databases, 'bytes')
  const deletions = sumBy(organizations, levelled, databases, 'peakDeletions')
  const questions = sumBy(organizations, levelled, databases, 'peakQuestions')
  const shares = deletions.map(
    (each, index) => (each * times.deletionMs + questions[index]! * times.questionMs) / 1000,
  )
  const busy = Math.max(...shares)
  const busiest = shares.indexOf(busy)
  const rate = deletions[busiest]! + questions[busiest]!
  const queue = (inFlight: number) =>
    simulateQueue({
      seed: ASSUMPTIONS.seed,
      rate,
      serviceS: busy / rate,
      deletionS: times.deletionMs / 1000,
      inFlight,
      durationS: QUEUE_S,
    })
  return {
    databases,
    meanBytes: sum(bytes) / databases,
    fullestBytes: Math.max(...bytes),
    fullestLevelledBytes: Math.max(...sumBy(organizations, levelled, databases, 'bytes')),
    moved,
    movedUsers,
    peakDeletions: deletions[busiest]!,
    peakRequests: rate,
    busy,
    ...(busy < 1 && { quiet: queue(0), cleaning: queue(IN_FLIGHT) }),
  }
}
