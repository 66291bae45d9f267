/** What a run has found, as tables of text: the console, the Markdown file and the document show the same ones. */
import type { CoreResult, LimitResult } from '../measure/core.ts'
import type { GrowthResult } from '../measure/growth.ts'
import type { Sections } from '../measure/sections.ts'
import type { Ratio } from '../rig/statistics.ts'

export interface Table {
  readonly title: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export const formatMs = (ms: number): string =>
  ms < 10 ? ms.toFixed(2) : ms.toFixed(ms < 100 ? 1 : 0)
export const formatCount = (count: number): string => Math.round(count).toLocaleString('en')
export const formatRatio = ({ ratio }: Ratio): string => `${ratio.toFixed(ratio < 10 ? 2 : 1)} ×`
export const formatSpread = ({ low, high }: Ratio): string =>
  `${low.toFixed(2)} – ${high.toFixed(2)}`
const formatKiB = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`

/** The tables of the sections that ran, by the name of the section. */
export function makeTables(sections: Sections): Readonly<Record<string, readonly Table[]>> {
  const { limit, core, counts, growth, distance, cold, keys, size } = sections
  return {
    ...(limit && { limit: limitTables(limit) }),
    ...(core && { core: coreTables(core) }),
    ...(counts && {
      counts: [
        {
          title: 'What a request asks of D1, exactly',
          head: ['request', 'status', 'round trips', 'statements', 'rows read', 'written'],
          rows: counts.map(({ name, status, roundTrips, statements, rowsRead, rowsWritten }) => [
            name,
            String(status),
            String(roundTrips),
            String(statements),
            formatCount(rowsRead),
            formatCount(rowsWritten),
          ]),
        },
      ],
    }),
    ...(growth && { growth: growthTables(growth) }),
    ...(distance && {
      distance: [
        {
          title: 'D1 at a distance: p50, ms',
          head: ['a round trip', 'this project', 'tutorial', 'tutorial / this project', 'spread'],
          rows: distance.map(({ distanceMs, deletion, tutorialDeletion, ratio }) => [
            `${distanceMs} ms`,
            formatMs(deletion.p50),
            formatMs(tutorialDeletion.p50),
            formatRatio(ratio),
            formatSpread(ratio),
          ]),
        },
      ],
    }),
    ...(cold && {
      cold: [
        {
          title: 'A deletion as the first request of a cold isolate with cold keys: p50, ms',
          head: ['Worker', 'first request', 'second request', 'isolates'],
          rows: cold.map(({ title, first, second }) => [
            title,
            formatMs(first.p50),
            formatMs(second.p50),
            String(first.requests),
          ]),
        },
      ],
    }),
    ...(keys && {
      keys: [
        {
          title: 'Key set fetches',
          head: ['Worker', 'requests', 'fetches'],
          rows: keys.map(({ title, requests, fetches }) => [
            title,
            formatCount(requests),
            formatCount(fetches),
          ]),
        },
      ],
    }),
    ...(size && {
      size: [
        {
          title: 'Bundle and start',
          head: ['Worker', 'bundle', 'gzip', 'CPU of its start, ms'],
          rows: size.map(({ title, rawBytes, gzipBytes, startMs }) => [
            title,
            formatKiB(rawBytes),
            formatKiB(gzipBytes),
            startMs === undefined ? 'not told' : formatMs(startMs),
          ]),
        },
      ],
    }),
  }
}

function limitTables({ summaries, ratios, cpu }: LimitResult): Table[] {
  return [
    {
      title: 'Ratios of p50, one request at a time',
      head: ['what / against what', 'ratio', 'spread'],
      rows: Object.entries(ratios).map(([name, ratio]) => [
        name,
        formatRatio(ratio),
        formatSpread(ratio),
      ]),
    },
    {
      title: 'One at a time, ms',
      head: ['request', 'p50', 'p99', ...(cpu ? ['CPU'] : []), 'requests'],
      rows: Object.entries(summaries).map(([name, { p50, p99, requests }]) =>
        [name, formatMs(p50), formatMs(p99)].concat(
          cpu ? formatMs(cpu[name]!) : [],
          formatCount(requests),
        ),
      ),
    },
  ]
}

function coreTables(core: CoreResult): Table[] {
  const { concurrent } = core
  return [
    ...limitTables(core),
    {
      title: `${concurrent.concurrency} at once, ms`,
      head: ['request', 'p50', 'p99', 'answers a second', 'requests'],
      rows: Object.entries(concurrent.summaries).map(
        ([name, { p50, p99, throughput, requests }]) => [
          name,
          formatMs(p50),
          formatMs(p99),
          formatCount(throughput),
          formatCount(requests),
        ],
      ),
    },
  ]
}

function growthTables(growth: GrowthResult): Table[] {
  const rows: [keyof GrowthResult, string, string][] = [
    ['populations', 'The database grows', 'users'],
    ['targetGroups', 'The user is in more groups', 'groups'],
    ['callerGroups', 'The caller is in more groups', 'groups'],
  ]
  return rows.map(([row, title, unit]) => ({
    title: `${title}: p50 of a deletion, ms`,
    head: [
      unit,
      'this',
      'least',
      'this / least',
      'spread',
      '/ first row',
      'trips',
      'read',
      'written',
    ],
    rows: growth[row].map(({ size, deletion, leastDeletion, toLeast, toFirst, counts }) => [
      formatCount(size),
      formatMs(deletion.p50),
      formatMs(leastDeletion.p50),
      formatRatio(toLeast),
      formatSpread(toLeast),
      formatRatio(toFirst),
      formatCount(counts.roundTrips),
      formatCount(counts.rowsRead),
      formatCount(counts.rowsWritten),
    ]),
  }))
}
