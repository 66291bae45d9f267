/** The arithmetic that turns times into figures. The measurements check each response that they time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fillDocument } from '../report/documents.ts'
import { makeGoalTable } from '../report/goals.ts'
import { compare, compareAll, type Ratios, summarize } from '../support/statistics.ts'

await test('a ratio is that of the medians, whatever a few slow requests took', () => {
  const base = Array.from({ length: 100 }, () => 2)
  const times = base.map((_, index) => (index % 10 === 0 ? 1000 : 3))
  assert.equal(compare(times, base).ratio, 1.5)
})

await test('the spread of a ratio shows the part of a run in which it differed', () => {
  const base = Array.from({ length: 100 }, () => 1)
  const times = base.map((_, index) => (index < 20 ? 4 : 2))
  assert.deepEqual(compare(times, base), { ratio: 2, low: 2, high: 4 })
})

await test('a kind in fewer rounds is compared with the same part of the run', () => {
  const base = Array.from({ length: 200 }, (_, index) => (index < 100 ? 1 : 10))
  const rare = Array.from({ length: 50 }, (_, index) => (index < 25 ? 2 : 20))
  const { low, high } = compare(rare, base)
  assert.deepEqual([low, high], [2, 2])
})

await test('a ratio meets a goal up to its limit, and not if it could not be measured', () => {
  const series = new Map([0, 1, 2, 3].map((ms) => [`${ms}`, [ms]]))
  const kinds = {
    '2': { atMost: { '1': 2, '0': 9 } },
    '3': { atMost: { '1': 2.9 }, against: ['2'] },
  }
  const ratios = JSON.parse(JSON.stringify(compareAll(kinds, series))) as Ratios
  assert.deepEqual(Object.keys(ratios).toSorted(), ['2 / 0', '2 / 1', '3 / 1', '3 / 2'])
  const { rows } = makeGoalTable({ warm: { ratios, summaries: {}, cpu: {} } })
  assert.deepEqual(
    rows.map((row) => row.at(-1)),
    ['no', 'yes', 'no'],
  )
})

await test('no measurement is an error, not a figure', () => {
  assert.throws(() => summarize([]), /nothing was measured/)
})

await test('a document keeps its words and gets its figures', () => {
  const text = 'a\n<!-- figures: x -->\nold\n\nold\n<!-- end of figures -->\nb\n'
  const filled = 'a\n<!-- figures: x -->\n\nnew $1\n\n<!-- end of figures -->\nb\n'
  assert.equal(fillDocument(text, { x: 'new $1' }), filled)
  assert.equal(fillDocument(filled, { x: 'new $1' }), filled)
  assert.throws(() => fillDocument(text, { y: '' }), /"x"/)
})
