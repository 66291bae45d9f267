/** The goals that a run is judged by, each with its figure. */
import type { Count } from '../measure/counts.ts'
import type { Point } from '../measure/growth.ts'
import type { Ratio } from '../rig/statistics.ts'
import type { Results } from './results.ts'
import { formatRatio, formatSpread, type Table } from './tables.ts'

interface Goal {
  readonly figure: string
  readonly goal: string
  readonly measured: string
  readonly isMet: boolean
}

export function makeGoalTable(results: Results): Table {
  return {
    title: 'Goals',
    head: ['figure', 'goal', 'measured', 'met'],
    rows: listGoals(results).map(({ figure, goal, measured, isMet }) => [
      figure,
      goal,
      measured,
      isMet ? 'yes' : 'no',
    ]),
  }
}

function listGoals({ sections }: Results): Goal[] {
  const { limit, core, counts, growth, distance, size } = sections
  const ratioOf = (name: string): Ratio =>
    find(Object.entries({ ...limit.ratios, ...core.ratios }), ([key]) => key === name)[1]
  const countOf = (name: string): Count => find(counts, (count) => count.name === name)
  const first = growth.populations[0]!
  const last = growth.populations.at(-1)!
  const manyGroups = growth.targetGroups.at(-1)!
  const bundle = find(size, ({ title }) => title === 'this project').gzipBytes / 1024
  return [
    ...roundTripGoals(counts, countOf),
    atMost('p50 of a deletion / least deletion', 1.1, ratioOf('deletion / least deletion')),
    atMost('p50 of a deletion / barest batch', 1.25, ratioOf('deletion / barest batch')),
    atMost('p50 of a refused token / least refusal', 1.1, ratioOf('refused token / least refusal')),
    atLeast('tutorial / this project, D1 at 0 ms', 4, ratioOf('tutorial deletion / deletion')),
    atLeast(
      'tutorial / this project, D1 at 30 ms',
      7,
      find(distance, ({ distanceMs }) => distanceMs === 30).ratio,
    ),
    rowsWrittenGoal(growth.targetGroups),
    {
      figure: 'rows written, with an idempotency key',
      goal: '3 + g',
      measured: `${countOf('deletion with an idempotency key').rowsWritten}, g = 1`,
      isMet: countOf('deletion with an idempotency key').rowsWritten === 4,
    },
    {
      figure: `rows read with ${last.size.toLocaleString('en')} users against ${first.size}`,
      goal: 'the same',
      measured: `${last.counts.rowsRead} and ${first.counts.rowsRead}`,
      isMet: last.counts.rowsRead === first.counts.rowsRead,
    },
    {
      figure: `p50 with ${last.size.toLocaleString('en')} users against ${first.size}`,
      goal: 'the same within noise',
      measured: `${formatRatio(last.toFirst)} (${formatSpread(last.toFirst)})`,
      isMet: last.toFirst.low <= 1,
    },
    atMost(
      `p50 with the user in ${manyGroups.size.toLocaleString('en')} groups / least deletion`,
      1.1,
      manyGroups.toLeast,
    ),
    {
      figure: 'bundle as deployed, gzip',
      goal: 'under 30 KiB',
      measured: `${bundle.toFixed(1)} KiB`,
      isMet: bundle < 30,
    },
  ]
}

function roundTripGoals(counts: readonly Count[], countOf: (name: string) => Count): Goal[] {
  const decided = counts.filter(
    ({ name }) => /^(deletion|unknown|no )/.test(name) || name === 'its repetition',
  )
  const most = Math.max(...decided.map(({ roundTrips }) => roundTrips))
  const refused = countOf('refused token').roundTrips
  return [
    {
      figure: 'D1 round trips of a deletion, and of a refusal by the database',
      goal: '1',
      measured: String(most),
      isMet: most === 1,
    },
    {
      figure: 'D1 round trips where the token fails',
      goal: '0',
      measured: String(refused),
      isMet: refused === 0,
    },
  ]
}

function rowsWrittenGoal(points: readonly Point[]): Goal {
  return {
    figure: 'rows written, for a user in g groups',
    goal: '2 + g',
    measured: points.map(({ size, counts }) => `${counts.rowsWritten} for ${size}`).join(', '),
    isMet: points.every(({ size, counts }) => counts.rowsWritten === 2 + size),
  }
}

function atMost(figure: string, most: number, ratio: Ratio): Goal {
  return {
    figure,
    goal: `at most ${most} ×`,
    measured: `${formatRatio(ratio)} (${formatSpread(ratio)})`,
    isMet: ratio.ratio <= most,
  }
}

function atLeast(figure: string, least: number, ratio: Ratio): Goal {
  return {
    figure,
    goal: `at least ${least} ×`,
    measured: `${formatRatio(ratio)} (${formatSpread(ratio)})`,
    isMet: ratio.ratio >= least,
  }
}

function find<T>(items: readonly T[], isIt: (item: T) => boolean): T {
  const found = items.find(isIt)
  if (found === undefined) throw new Error('the results lack a figure that a goal needs')
  return found
}
