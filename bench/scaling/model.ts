/**
 * A population of organizations and their load. Sizes follow a Pareto distribution, as those of companies do: most are
 * small, and few hold a large share. Seeded, so that each run is the same.
 */
import { randomLcg, randomPareto, randomUniform } from 'd3-random'

/** Assumed, not measured. */
export const ASSUMPTIONS = {
  seed: 0.42,
  organizations: 1_000_000,
  smallest: 10,
  largest: 400_000,
  paretoShape: 1.1,
  groupsOfUser: 3,
  /** Share of the users that is deleted in a year. */
  yearlyDeletions: 0.3,
  /** Years for which deletion records are kept. */
  recordYears: 1,
  /** The busiest hour against the average hour. */
  peakFactor: 6,
  /** Questions of other Workers about a user, a day. */
  dailyQuestions: 2,
} as const

/** Bytes on disk, with indexes and half-full pages. */
export interface RowBytes {
  /** A person, its user record in one organization, and one membership. */
  readonly user: number
  readonly membership: number
  readonly record: number
}

/** Bytes of a user, of its memberships, and of the deletion records of former users. */
export function bytesOfUser({ user, membership, record }: RowBytes): number {
  const { groupsOfUser, yearlyDeletions, recordYears } = ASSUMPTIONS
  return user + (groupsOfUser - 1) * membership + yearlyDeletions * recordYears * record
}

/** The number of users of each organization. */
export function createOrganizations(): number[] {
  const { seed, organizations, smallest, largest, paretoShape } = ASSUMPTIONS
  const draw = randomPareto.source(randomLcg(seed))(paretoShape)
  return Array.from({ length: organizations }, () =>
    Math.min(largest, Math.round(smallest * draw())),
  )
}

/** The database of each organization, if a hash of its ID decides. */
export function spread(organizations: readonly number[], databases: number): number[] {
  const draw = randomUniform.source(randomLcg(ASSUMPTIONS.seed / 2))(databases)
  return organizations.map(() => Math.floor(draw()))
}

/** The number of users in each database. */
export function countUsers(
  organizations: readonly number[],
  places: readonly number[],
  databases: number,
): number[] {
  const counts = Array.from({ length: databases }, () => 0)
  for (const [index, users] of organizations.entries()) counts[places[index]!]! += users
  return counts
}

/**
 * Moves organizations, each time the largest that fits from the fullest database to the emptiest, until no database has
 * more than `tolerance` above the mean.
 */
export function level(
  organizations: readonly number[],
  places: readonly number[],
  databases: number,
  tolerance: number,
): { places: number[]; moved: number; movedUsers: number } {
  const levelled = [...places]
  const counts = countUsers(organizations, places, databases)
  const mean = counts.reduce((total, users) => total + users, 0) / databases
  const inside = counts.map(() => [] as number[])
  for (const [index, place] of places.entries()) inside[place]!.push(index)
  for (const list of inside) list.sort((a, b) => organizations[b]! - organizations[a]!)
  let [moved, movedUsers] = [0, 0]
  for (;;) {
    const from = counts.indexOf(Math.max(...counts))
    if (counts[from]! <= mean * (1 + tolerance)) break
    const to = counts.indexOf(Math.min(...counts))
    const space = Math.min(counts[from]! - mean, mean - counts[to]!)
    const position = inside[from]!.findIndex((index) => organizations[index]! <= space)
    if (position === -1) break
    const [index] = inside[from]!.splice(position, 1) as [number]
    const users = organizations[index]!
    counts[from]! -= users
    counts[to]! += users
    levelled[index] = to
    moved += 1
    movedUsers += users
  }
  return { places: levelled, moved, movedUsers }
}
