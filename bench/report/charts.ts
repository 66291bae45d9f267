/** The charts of a run, as SVG, by vega-lite. Each shows medians, and names its unit; the tables hold the rest. */
import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import type { Results } from './results.ts'

const CONFIG = {
  background: 'white',
  font: 'sans-serif',
  axis: { labelFontSize: 12, titleFontSize: 12, labelLimit: 260 },
  legend: { labelFontSize: 12, title: null, orient: 'bottom' as const },
  title: { fontSize: 14, anchor: 'start' as const },
}
const OURS = '#c2410c'
const OTHERS = '#64748b'
const LIMIT = '#0f766e'

/** The charts by the name of their file. */
export async function drawCharts(results: Results): Promise<Readonly<Record<string, string>>> {
  const specs = {
    'one-at-a-time': drawOneAtATime(results),
    growth: drawGrowth(results),
    distance: drawDistance(results),
    throughput: drawThroughput(results),
  }
  const charts: Record<string, string> = {}
  for (const [name, spec] of Object.entries(specs)) charts[name] = await drawChart(spec)
  return charts
}

/** One chart in the house's look. */
export async function drawChart(spec: TopLevelSpec): Promise<string> {
  const view = new View(parse(compile({ ...spec, config: CONFIG }).spec), { renderer: 'none' })
  const svg = await view.toSVG()
  view.finalize()
  return `${svg}\n`
}

/** Whose request it is, for the color. */
function ownerOf(name: string): string {
  if (/^(nothing|least|barest)/.test(name)) return 'the limit'
  return /^(tutorial|better-auth)/.test(name) ? 'alternatives' : 'this project'
}

const OWNERS = {
  field: 'owner',
  type: 'nominal' as const,
  scale: { domain: ['this project', 'the limit', 'alternatives'], range: [OURS, LIMIT, OTHERS] },
}

const isShown = (name: string): boolean => !/again|no call/.test(name)

const NAMES = {
  field: 'name',
  type: 'nominal' as const,
  sort: null,
  title: null,
  axis: { labelLimit: 300 },
}

function drawOneAtATime({ sections }: Results): TopLevelSpec {
  const values = Object.entries(sections.core.summaries)
    .filter(([name]) => isShown(name))
    .map(([name, { p50, p99 }]) => ({ name, p50, p99, owner: ownerOf(name) }))
  const x = {
    field: 'p50',
    type: 'quantitative' as const,
    scale: { type: 'log' as const, nice: false, padding: 12 },
    title: 'ms (logarithmic)',
  }
  return {
    title: 'One request at a time: median (dot) to 99th percentile (end of the line), ms',
    width: 560,
    height: { step: 24 },
    data: { values },
    layer: [
      { mark: { type: 'rule', color: '#94a3b8' }, encoding: { y: NAMES, x, x2: { field: 'p99' } } },
      {
        mark: { type: 'circle', size: 90, opacity: 1 },
        encoding: { y: NAMES, x, color: OWNERS },
      },
      {
        mark: { type: 'text', dy: -9, fontSize: 11, fill: '#111827' },
        encoding: { y: NAMES, x, text: { field: 'p50', format: '.2f' } },
      },
    ],
  }
}

function drawGrowth({ sections }: Results): TopLevelSpec {
  const titles = {
    populations: 'users in the database',
    targetGroups: 'groups of the user',
    callerGroups: 'groups of the caller',
  } as const
  return {
    title: 'A deletion as things grow: median, ms',
    hconcat: (Object.keys(titles) as (keyof typeof titles)[]).map((row) => ({
      width: 190,
      height: 220,
      data: {
        values: sections.growth[row].flatMap(({ size, deletion, leastDeletion }) => [
          { size, p50: deletion.p50, who: 'this project' },
          { size, p50: leastDeletion.p50, who: 'least deletion' },
        ]),
      },
      mark: { type: 'line' as const, point: true },
      encoding: {
        x: {
          field: 'size',
          type: 'quantitative' as const,
          scale: { type: 'log' as const },
          axis: { values: sections.growth[row].map(({ size }) => size), format: '~s' },
          title: titles[row],
        },
        y: { field: 'p50', type: 'quantitative' as const, scale: { zero: true }, title: 'ms' },
        color: {
          field: 'who',
          type: 'nominal' as const,
          scale: { domain: ['this project', 'least deletion'], range: [OURS, LIMIT] },
        },
      },
    })),
  }
}

function drawDistance({ sections }: Results): TopLevelSpec {
  const values = sections.distance.flatMap(({ distanceMs, deletion, tutorialDeletion }) => [
    { distanceMs, p50: deletion.p50, who: 'this project' },
    { distanceMs, p50: tutorialDeletion.p50, who: 'tutorial' },
  ])
  const position = {
    x: {
      field: 'distanceMs',
      type: 'quantitative' as const,
      axis: { values: sections.distance.map(({ distanceMs }) => distanceMs) },
      title: 'a round trip to D1, ms',
    },
    y: { field: 'p50', type: 'quantitative' as const, title: 'ms' },
  }
  return {
    title: 'A deletion with D1 at a distance: median, ms',
    width: 560,
    height: 260,
    data: { values },
    layer: [
      {
        mark: { type: 'line', point: true },
        encoding: {
          ...position,
          color: {
            field: 'who',
            type: 'nominal',
            scale: { domain: ['this project', 'tutorial'], range: [OURS, OTHERS] },
          },
        },
      },
      {
        transform: [{ filter: 'datum.distanceMs >= 30' }],
        mark: { type: 'text', dy: -10, dx: -16, fontSize: 11 },
        encoding: { ...position, text: { field: 'p50', format: ',.0f' } },
      },
    ],
  }
}

function drawThroughput({ sections }: Results): TopLevelSpec {
  const { concurrency, summaries } = sections.core.concurrent
  const values = Object.entries(summaries)
    .filter(([name]) => isShown(name) && name !== 'nothing')
    .map(([name, { throughput }]) => ({ name, throughput, owner: ownerOf(name) }))
  const x = { field: 'throughput', type: 'quantitative' as const, title: 'answers a second' }
  return {
    title: `${concurrency} requests at once: answers a second`,
    width: 560,
    height: { step: 24 },
    data: { values },
    layer: [
      { mark: { type: 'bar', height: 14 }, encoding: { y: NAMES, x, color: OWNERS } },
      {
        mark: { type: 'text', align: 'left', dx: 4, fontSize: 11 },
        encoding: { y: NAMES, x, text: { field: 'throughput', format: ',.0f' } },
      },
    ],
  }
}
