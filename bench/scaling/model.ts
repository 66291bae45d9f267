/**
 * A population of organizations and what each asks of its database. Sizes follow a Pareto distribution, as those of
 * companies do: most are small, and few hold a large share. Seeded, so that a run can be repeated.
 */
import { randomLcg, randomPareto, randomUniform } from 'd3-random'
import type { RowBytes } from './bytes.ts'

/** What is assumed; nothing of it is measured. */
export const ASSUMPTIONS = {
  seed: 0.42,
  organizations: 1_000_000,
  smallest: 10,
  largest: 400_000,
  paretoShape: 1.1,
  groupsOfUser: 3,
  /** Of all users, how many are removed in a year. */
  yearlyRemovals: 0.3,
  /** Years for which deletion records are kept. */
  recordYears: 1,
  /** How much more happens in the busiest hour than on average. */
  peakFactor: 6,
  /** How often other Workers ask the same database about a user in a day, such as what it may do. */
  dailyQuestions: 2,
} as const

const DAY_S = 24 * 60 * 60
const YEAR_S = 365 * DAY_S

/** An organization by what it asks of a database. */
export interface Organization {
  readonly users: number
  readonly bytes: number
  /** Deletions a second in the busiest hour. */
  readonly peakDeletions: number
  /** Other questions a second in the busiest hour. */
  readonly peakQuestions: number
}

/** Bytes of a user with its groups and with the records of those who were removed before it. */
export function bytesOfUser({ user, membership, record }: RowBytes): number {
  const { groupsOfUser, yearlyRemovals, recordYears } = ASSUMPTIONS
  return user + (groupsOfUser - 1) * membership + yearlyRemovals * recordYears * record
}

export function createOrganizations(bytes: RowBytes): Organization[] {
  const { seed, organizations, smallest, largest, paretoShape, ...load } = ASSUMPTIONS
  const draw = randomPareto.source(randomLcg(seed))(paretoShape)
  return Array.from({ length: organizations }, () => {
    const users = Math.min(largest, Math.round(smallest * draw()))
    return {
      users,
      bytes: users * bytesOfUser(bytes),
      peakDeletions: ((users * load.yearlyRemovals) / YEAR_S) * load.peakFactor,
      peakQuestions: ((users * load.dailyQuestions) / DAY_S) * load.peakFactor,
    }
  })
}

/** Which database an organization is in, where a hash of its ID decides: as good as a draw. */
export function spread(organizations: readonly Organization[], databases: number): number[] {
  const draw = randomUniform.source(randomLcg(ASSUMPTIONS.seed / 2))(databases)
  return organizations.map(() => Math.floor(draw()))
}

/** What each database holds of a figure. */
export function sumBy(
  organizations: readonly Organization[],
  places: readonly number[],
  databases: number,
  figure: keyof Organization,
): number[] {
  const sums = Array.from({ length: databases }, () => 0)
  for (const [index, organization] of organizations.entries()) {
    sums[places[index]!]! += organization[figure]
  }
  return sums
}

/**
 * Moves organizations out of databases that hold too much, each time the largest that fits from the fullest to the
 * emptiest, until none holds more than `tolerance` above the mean. Gives the new places and how many had to move.
 */
export function level(
  organizations: readonly Organization[],
  places: readonly number[],
  databases: number,
  tolerance: number,
): { places: number[]; moved: number; movedUsers: number } {
  const levelled = [...places]
  const sums = sumBy(organizations, places, databases, 'bytes')
  const mean = sums.reduce((total, bytes) => total + bytes, 0) / databases
  const inside = sums.map(() => [] as number[])
  for (const [index, place] of places.entries()) inside[place]!.push(index)
  for (const list of inside) list.sort((a, b) => organizations[b]!.bytes - organizations[a]!.bytes)
  let [moved, movedUsers] = [0, 0]
  for (;;) {
    const from = sums.indexOf(Math.max(...sums))
    if (sums[from]! <= mean * (1 + tolerance)) break
    const to = sums.indexOf(Math.min(...sums))
    const room = Math.min(sums[from]! - mean, mean - sums[to]!)
    const position = inside[from]!.findIndex((index) => organizations[index]!.bytes <= room)
    if (position === -1) break
    const [index] = inside[from]!.splice(position, 1) as [number]
    const { bytes, users } = organizations[index]!
    sums[from]! -= bytes
    sums[to]! += bytes
    levelled[index] = to
    moved += 1
    movedUsers += users
  }
  return { places: levelled, moved, movedUsers }
}
