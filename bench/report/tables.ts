/** The results of a run as tables of text, for the console and the documents. */
import type { Row } from '../measure/growth.ts'
import type { RoundsResult } from '../measure/rounds.ts'
import type { Sections } from '../measure/sections.ts'
import type { Ratio } from '../support/statistics.ts'

export interface Table {
  readonly title: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** Milliseconds. What could not be measured is NaN, and null in JSON. */
const formatMs = (value: number): string =>
  Number.isFinite(value) ? value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0) : 'not measured'
export const formatCount = (value: number): string => Math.round(value).toLocaleString('en')
export const formatKiB = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`
export const formatRatio = ({ ratio }: Pick<Ratio, 'ratio'>): string =>
  Number.isFinite(ratio) ? `${formatMs(ratio)} ×` : formatMs(ratio)
export const formatSpread = ({ low, high }: Ratio): string =>
  Number.isFinite(low) ? `${low.toFixed(2)} – ${high.toFixed(2)}` : ''

/** A table in GitHub's Markdown: figures to the right. */
export function renderTable({ head, rows }: Table): string {
  const rule = head.map((_, column) => (column === 0 ? '---' : '--:'))
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** @param head the names of the columns, with `|` between them */
export function makeTable<T>(
  title: string,
  head: string,
  items: readonly T[],
  makeRow: (item: T) => readonly string[],
): Table {
  return { title, head: head.split('|'), rows: items.map(makeRow) }
}

const MAKERS: { readonly [Name in keyof Sections]: (result: Sections[Name]) => Table[] } = {
  warm: makeRoundsTables,
  settings: makeRoundsTables,
  alternatives: makeRoundsTables,
  cold: ({ first, second, cpu }) => [
    makeTable(
      'A deletion as the first request of a cold isolate with cold keys: medians',
      'Worker|CPU, ms|first request, ms|second request, ms|isolates',
      Object.entries(first),
      ([name, { p50, requests }]) => [
        name,
        ...[cpu[name]!.p50, p50, second[name]!.p50].map(formatMs),
        String(requests),
      ],
    ),
  ],
  start: ({ workers }) => [
    makeTable(
      'Bundle, and CPU of the start above an empty Worker',
      'Worker|bundle|gzip|CPU of the start, ms',
      Object.entries(workers),
      ([name, { rawBytes, gzipBytes, startMs }]) => [
        name,
        ...[rawBytes, gzipBytes].map(formatKiB),
        formatMs(startMs),
      ],
    ),
  ],
  counts: (counts) => [
    makeTable(
      'D1, exact',
      'request|status|round trips|statements|rows read|written',
      counts,
      ({ name, status, roundTrips, statements, rowsRead, rowsWritten }) => [
        name,
        ...[status, roundTrips, statements, rowsRead, rowsWritten].map(formatCount),
      ],
    ),
  ],
  growth: (growth) =>
    (Object.keys(growth) as Row[]).map((row) =>
      makeTable(
        `A deletion, by the number of ${row}: medians`,
        `${row}|this, ms|minimum, ms|ratio|spread|/ first|read|written`,
        growth[row],
        ({ size, deletion, minimum, toMinimum, toFirst, counts }) => [
          formatCount(size),
          ...[deletion.p50, minimum.p50].map(formatMs),
          formatRatio(toMinimum),
          formatSpread(toMinimum),
          formatRatio(toFirst),
          ...[counts.rowsRead, counts.rowsWritten].map(formatCount),
        ],
      ),
    ),
  distance: (distance) => [
    makeTable(
      'A deletion with D1 at a distance: medians',
      'round trip|this project, ms|tutorial, ms|tutorial / this project|spread',
      distance,
      ({ distanceMs, deletion, tutorial, ratio }) => [
        `${distanceMs} ms`,
        ...[deletion.p50, tutorial.p50].map(formatMs),
        formatRatio(ratio),
        formatSpread(ratio),
      ],
    ),
  ],
}

function makeRoundsTables({ summaries, ratios, cpu }: RoundsResult): Table[] {
  return [
    makeTable(
      'Ratios without a goal, one request at a time',
      'ratio|median|spread|CPU',
      Object.entries(ratios).filter(([, { atMost }]) => atMost === undefined),
      ([name, ratio]) => {
        const [kind, base] = name.split(' / ') as [string, string]
        const ofCPU = formatRatio({ ratio: cpu[kind]! / cpu[base]! })
        return [name, formatRatio(ratio), formatSpread(ratio), ofCPU]
      },
    ),
    makeTable(
      'One request at a time',
      'request|p50, ms|p99, ms|CPU, ms|requests',
      Object.entries(summaries),
      ([name, { p50, p99, requests }]) => [
        name,
        ...[p50, p99, cpu[name]!].map(formatMs),
        formatCount(requests),
      ],
    ),
  ]
}

/** The tables by section, without empty ones. A section that was not measured has none. */
export function makeTables(sections: Partial<Sections>): Readonly<Record<string, Table[]>> {
  const results = sections as Readonly<Record<string, unknown>>
  const makers = MAKERS as Readonly<Record<string, (result: unknown) => Table[]>>
  return Object.fromEntries(
    Object.entries(makers).map(([name, make]) => [
      name,
      name in results ? make(results[name]).filter(({ rows }) => rows.length > 0) : [],
    ]),
  )
}
