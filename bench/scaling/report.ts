/** What the simulation has found, as the parts of docs/scaling.md. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RESULTS } from '../rig/paths.ts'
import { renderTable } from '../report/markdown.ts'
import { formatCount, formatMs, type Table } from '../report/tables.ts'
import type { RowBytes } from './bytes.ts'
import type { ASSUMPTIONS } from './model.ts'
import type { QueueResult } from './queue.ts'

/** One population of organizations, over so many databases. */
export interface Division {
  readonly databases: number
  readonly meanBytes: number
  readonly fullestBytes: number
  readonly fullestLevelledBytes: number
  readonly moved: number
  readonly movedUsers: number
  readonly peakDeletions: number
  readonly peakRequests: number
  /** Share of the busiest hour in which the busiest database works; above 1 it does not keep up. */
  readonly busy: number
  /** Absent where the database does not keep up. */
  readonly quiet?: QueueResult
  readonly cleaning?: QueueResult
}

export interface Scaling {
  /** The commit that the measurements beneath it are of. */
  readonly commit: string
  readonly assumptions: typeof ASSUMPTIONS
  readonly bytes: RowBytes
  /** How long a deletion keeps its database. */
  readonly deletionMs: number
  /** How long a decision without a deletion does: what other Workers' questions are taken to cost. */
  readonly questionMs: number
  readonly measuredThroughput: number
  readonly one: {
    readonly maxBytes: number
    readonly full: number
    readonly busy: number
    readonly users: number
    readonly organizations: number
    readonly deletionsPerSecond: number
    readonly neededPerSecond: number
  }
  readonly totalUsers: number
  readonly largestShare: number
  readonly inFlight: number
  readonly divisions: readonly Division[]
  /** Bytes of each of the most databases, before and after moves. */
  readonly shares: readonly (readonly [how: string, bytes: readonly number[]])[]
}

export function readScaling(): Scaling | undefined {
  try {
    return JSON.parse(readFileSync(join(RESULTS, 'scaling.json'), 'utf8')) as Scaling
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

const formatGB = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`
const formatShare = (share: number): string => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
const formatQueue = (queue: QueueResult | undefined): string =>
  queue === undefined ? 'never' : `${formatMs(queue.p50)} / ${formatMs(queue.p99)}`
const formatLarge = (count: number): string => formatCount(Number(count.toPrecision(2)))

export function makeScalingParts(scaling: Scaling): Readonly<Record<string, string>> {
  return {
    'scaling-bytes': renderTable(makeBytes(scaling)),
    'scaling-one': renderTable(makeOne(scaling)),
    'scaling-assumptions': renderTable(makeAssumptions(scaling)),
    'scaling-divisions': [makeSizes(scaling), makeRates(scaling)].map(renderTable).join('\n\n'),
  }
}

function makeBytes({ bytes }: Scaling): Table {
  return {
    title: 'Bytes',
    head: ['what', 'bytes'],
    rows: [
      ['a person, its user record in one organization, one membership', formatCount(bytes.user)],
      ['one more membership', formatCount(bytes.membership)],
      ['a deletion record', formatCount(bytes.record)],
    ],
  }
}

function makeOne({ one, deletionMs, questionMs, measuredThroughput }: Scaling): Table {
  return {
    title: 'One database',
    head: ['figure', 'value'],
    rows: [
      ['time a deletion keeps the database, measured', `${formatMs(deletionMs)} ms`],
      ['time a refusal keeps it, measured', `${formatMs(questionMs)} ms`],
      [
        'deletions a second at once, measured, Worker and caller included',
        formatCount(measuredThroughput),
      ],
      [`users, at ${formatShare(one.full)} of ${one.maxBytes / 1e9} GB`, formatLarge(one.users)],
      ['organizations of the population below', formatLarge(one.organizations)],
      [
        `deletions a second it carries, busy for ${formatShare(one.busy)} of the time`,
        formatLarge(one.deletionsPerSecond),
      ],
      [
        'deletions a second that so many users cause in the busiest hour',
        one.neededPerSecond.toFixed(2),
      ],
    ],
  }
}

function makeAssumptions({ assumptions: a, totalUsers, largestShare }: Scaling): Table {
  return {
    title: 'Assumptions',
    head: ['assumption', 'value'],
    rows: [
      ['organizations', formatCount(a.organizations)],
      [
        'users in one',
        `${a.smallest} to ${formatCount(a.largest)}, Pareto, shape ${a.paretoShape}`,
      ],
      ['users in all', formatCount(totalUsers)],
      ['of them in the largest hundredth of the organizations', formatShare(largestShare)],
      ['groups of a user', String(a.groupsOfUser)],
      ['users removed in a year', formatShare(a.yearlyRemovals)],
      ['years for which deletion records are kept', String(a.recordYears)],
      ['busiest hour, against the average', `${a.peakFactor} ×`],
      ['questions of other Workers about a user, a day', String(a.dailyQuestions)],
      ['seed', String(a.seed)],
    ],
  }
}

function makeSizes({ divisions }: Scaling): Table {
  return {
    title: 'Sizes',
    head: ['databases', 'mean', 'fullest, by hash', 'moves', 'users moved', 'fullest, after moves'],
    rows: divisions.map((division) => [
      formatCount(division.databases),
      formatGB(division.meanBytes),
      formatGB(division.fullestBytes),
      formatCount(division.moved),
      formatCount(division.movedUsers),
      formatGB(division.fullestLevelledBytes),
    ]),
  }
}

function makeRates({ divisions, inFlight }: Scaling): Table {
  return {
    title: 'Rates',
    head: [
      'databases',
      'deletions a second',
      'requests a second',
      'busy',
      'answer after, ms (p50 / p99)',
      `while ${inFlight} deletions at a time clean up`,
    ],
    rows: divisions.map((division) => [
      formatCount(division.databases),
      division.peakDeletions.toFixed(2),
      formatCount(division.peakRequests),
      formatShare(division.busy),
      formatQueue(division.quiet),
      formatQueue(division.cleaning),
    ]),
  }
}
