/** The charts of a run as SVG. Each shows medians; the tables hold the rest. */
import { parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import type { Sections } from '../measure/sections.ts'

const CONFIG = {
  background: 'white',
  font: 'sans-serif',
  axis: { labelFontSize: 12, titleFontSize: 12, labelLimit: 300 },
  legend: { labelFontSize: 12, title: null, orient: 'bottom' as const },
  title: { fontSize: 14, anchor: 'start' as const },
}
const COLOR = {
  field: 'owner',
  type: 'nominal' as const,
  scale: {
    domain: ['this project', 'the minimum', 'alternatives'],
    range: ['#c2410c', '#0f766e', '#64748b'],
  },
}

/** The charts by the name of their file. */
export async function drawCharts(sections: Sections): Promise<Readonly<Record<string, string>>> {
  return {
    'one-at-a-time': await draw(drawOneAtATime(sections.alternatives)),
    distance: await draw(drawDistance(sections.distance)),
  }
}

async function draw(spec: TopLevelSpec): Promise<string> {
  const view = new View(parse(compile({ ...spec, config: CONFIG }).spec), { renderer: 'none' })
  const svg = await view.toSVG()
  view.finalize()
  return `${svg}\n`
}

function ownerOf(name: string): string {
  if (/^(nothing|minimum)/.test(name)) return 'the minimum'
  return /^(tutorial|better-auth)/.test(name) ? 'alternatives' : 'this project'
}

function drawOneAtATime({ summaries }: Sections['alternatives']): TopLevelSpec {
  const values = Object.entries(summaries).map(([name, { p50, p99 }]) => ({
    name,
    p50,
    p99,
    owner: ownerOf(name),
  }))
  const y = { field: 'name', type: 'nominal' as const, sort: null, title: null }
  const x = {
    field: 'p50',
    type: 'quantitative' as const,
    scale: { type: 'log' as const, nice: false, padding: 12 },
    title: 'ms (logarithmic)',
  }
  const text = { field: 'p50', format: '.2f' }
  return {
    title: 'One request at a time: median (dot) to 99th percentile (end of the line), ms',
    width: 560,
    height: { step: 24 },
    data: { values },
    layer: [
      { mark: { type: 'rule', color: '#94a3b8' }, encoding: { y, x, x2: { field: 'p99' } } },
      { mark: { type: 'circle', size: 90, opacity: 1 }, encoding: { y, x, color: COLOR } },
      { mark: { type: 'text', dy: -9, fontSize: 11 }, encoding: { y, x, text } },
    ],
  }
}

function drawDistance(distance: Sections['distance']): TopLevelSpec {
  const values = distance.flatMap(({ distanceMs, deletion, tutorial }) => [
    { distanceMs, p50: deletion.p50, owner: 'this project' },
    { distanceMs, p50: tutorial.p50, owner: 'tutorial' },
  ])
  const scale = { domain: ['this project', 'tutorial'], range: ['#c2410c', '#64748b'] }
  return {
    title: 'A deletion with D1 at a distance: median, ms',
    width: 560,
    height: 260,
    data: { values },
    mark: { type: 'line', point: true },
    encoding: {
      x: { field: 'distanceMs', type: 'quantitative', title: 'a round trip to D1, ms' },
      y: { field: 'p50', type: 'quantitative', title: 'ms' },
      color: { ...COLOR, scale },
    },
  }
}
