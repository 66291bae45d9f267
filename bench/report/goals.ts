/** The goals of a run. The goal of a ratio is set at its kind, as `atMost`. */
import type { Sections } from '../measure/sections.ts'
import type { Ratio, Ratios } from '../support/statistics.ts'
import {
  formatCount,
  formatKiB,
  formatRatio,
  formatSpread,
  makeTable,
  type Table,
} from './tables.ts'

const MAX_BUNDLE_BYTES = 20 * 1024
/** The distance to D1 whose ratio has a goal, in milliseconds. */
const DISTANCE_MS = 30

/** A figure, its goal, what was measured, and whether the goal is met. */
type Goal = readonly [figure: string, goal: string, measured: string, isMet: boolean]

/** The goals of the sections that were measured. */
export function makeGoalTable(sections: Partial<Sections>): Table {
  const { warm, settings, cold, start, counts, alternatives, growth, distance } = sections
  const tutorial = alternatives?.ratios['tutorial deletion / deletion']
  const far = distance?.find(({ distanceMs }) => distanceMs === DISTANCE_MS)?.ratio
  const goals: Goal[] = [
    ...(counts ? databaseGoals(counts) : []),
    ...ratioGoals('', warm?.ratios),
    ...ratioGoals('', settings?.ratios),
    ...ratioGoals('cold, CPU: ', cold?.ratios),
    ...ratioGoals('start, CPU: ', start?.ratios),
    ...(start ? bundleGoals(start) : []),
    ...(tutorial ? [atLeast(0, 4, tutorial)] : []),
    ...(far ? [atLeast(DISTANCE_MS, 7, far)] : []),
    ...(growth ? growthGoals(growth) : []),
  ]
  return makeTable(
    'Goals',
    'figure|goal|measured|met',
    goals,
    ([figure, goal, measured, isMet]) => [figure, goal, measured, isMet ? 'yes' : 'no'],
  )
}

const showRatio = (ratio: Ratio): string =>
  Number.isFinite(ratio.low) ? `${formatRatio(ratio)} (${formatSpread(ratio)})` : formatRatio(ratio)

/** A ratio that could not be measured is NaN, and null in JSON. */
const isBetween = (from: number, { ratio }: Ratio, to: number): boolean =>
  Number.isFinite(ratio) && from <= ratio && ratio <= to

function atMost(figure: string, limit: number, ratio: Ratio): Goal {
  return [figure, `at most ${limit} ×`, showRatio(ratio), isBetween(0, ratio, limit)]
}

function atLeast(distanceMs: number, limit: number, ratio: Ratio): Goal {
  const figure = `tutorial deletion / deletion, D1 ${distanceMs} ms away`
  return [figure, `at least ${limit} ×`, showRatio(ratio), isBetween(limit, ratio, Infinity)]
}

function ratioGoals(prefix: string, ratios: Ratios = {}): Goal[] {
  return Object.entries(ratios).flatMap(([name, ratio]) =>
    ratio.atMost === undefined ? [] : [atMost(prefix + name, ratio.atMost, ratio)],
  )
}

function bundleGoals({ workers }: Sections['start']): Goal[] {
  const { gzipBytes } = workers['this project']!
  const isMet = gzipBytes <= MAX_BUNDLE_BYTES
  return [['bundle, gzip', `at most ${formatKiB(MAX_BUNDLE_BYTES)}`, formatKiB(gzipBytes), isMet]]
}

function databaseGoals(counts: Sections['counts']): Goal[] {
  const find = (name: string) => counts.find((count) => count.name === name)!
  const decided = counts.filter(({ name }) => /^(deletion|unknown|no )/.test(name))
  const mostTrips = Math.max(...decided.map(({ roundTrips }) => roundTrips))
  const refusedTrips = find('refused token').roundTrips
  const keyedRows = find('deletion with an idempotency key').rowsWritten
  return [
    ['D1 round trips, whatever the database decides', '1', String(mostTrips), mostTrips === 1],
    ['D1 round trips of a refused token', '0', String(refusedTrips), refusedTrips === 0],
    ['rows written, one group and an idempotency key', '4', String(keyedRows), keyedRows === 4],
  ]
}

function growthGoals({ users, 'groups of the user': groups }: Sections['growth']): Goal[] {
  const [few, many, manyGroups] = [users[0]!, users.at(-1)!, groups.at(-1)!]
  const [read, readOfFew] = [many.counts.rowsRead, few.counts.rowsRead]
  const against = `${formatCount(many.size)} users against ${few.size}`
  return [
    [
      `rows written, user in g = ${groups.map(({ size }) => size).join(', ')}`,
      '2 + g',
      groups.map(({ counts }) => counts.rowsWritten).join(', '),
      groups.every(({ size, counts }) => counts.rowsWritten === 2 + size),
    ],
    [`rows read, ${against}`, 'the same', `${read} and ${readOfFew}`, read === readOfFew],
    [`deletion, ${against}`, 'within noise', showRatio(many.toFirst), many.toFirst.low <= 1],
    atMost(
      `deletion / minimum deletion, ${formatCount(manyGroups.size)} groups`,
      1.1,
      manyGroups.toMinimum,
    ),
  ]
}
