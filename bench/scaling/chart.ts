/** The simulation's chart: how full each database is. */
import { drawChart } from '../report/charts.ts'
import type { Scaling } from './report.ts'

export function drawScaling({ shares }: Scaling): Promise<string> {
  const values = shares.flatMap(([how, bytes]) =>
    bytes
      .toSorted((a, b) => b - a)
      .map((size, rank) => ({ how, rank: rank + 1, gigabytes: size / 1e9 })),
  )
  return drawChart({
    title: 'How full each database is, the fullest first, GB',
    width: 560,
    height: 220,
    data: { values },
    mark: { type: 'line', interpolate: 'step-after', strokeWidth: 2 },
    encoding: {
      x: { field: 'rank', type: 'quantitative', title: 'database' },
      y: { field: 'gigabytes', type: 'quantitative', title: 'GB' },
      color: {
        field: 'how',
        type: 'nominal',
        scale: { domain: ['by hash', 'after moves'], range: ['#64748b', '#c2410c'] },
      },
    },
  })
}
