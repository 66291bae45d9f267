/** The arithmetic that turns times into figures. The measurements themselves check every answer that they time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sum } from 'simple-statistics'
import { fillDocument, renderTable } from '../report/markdown.ts'
import { compare, summarize } from '../rig/statistics.ts'
import { createOrganizations, level, spread, sumBy } from '../scaling/model.ts'
import { simulateQueue } from '../scaling/queue.ts'

const quiet = { seed: 0.3, rate: 1, serviceS: 0.001, deletionS: 0.001, inFlight: 0, durationS: 600 }

await test('a ratio is that of the medians, whatever a few slow requests took', () => {
  const base = Array.from({ length: 100 }, () => 2)
  const times = base.map((_, index) => (index % 10 === 0 ? 1000 : 3))
  assert.equal(compare(times, base).ratio, 1.5)
})

await test('the spread of a ratio shows a stretch in which it was another', () => {
  const base = Array.from({ length: 100 }, () => 1)
  const times = base.map((_, index) => (index < 20 ? 4 : 2))
  const { ratio, low, high } = compare(times, base)
  assert.deepEqual([ratio, low, high], [2, 2, 4])
})

await test('kinds that took part in fewer rounds are compared stretch by stretch', () => {
  const base = Array.from({ length: 200 }, (_, index) => (index < 100 ? 1 : 10))
  const seldom = Array.from({ length: 50 }, (_, index) => (index < 25 ? 2 : 20))
  const { low, high } = compare(seldom, base)
  assert.deepEqual([low, high], [2, 2])
})

await test('nothing measured is an error and no figure', () => {
  assert.throws(() => summarize([]), /nothing was measured/)
})

await test('a document keeps its words and gets its figures', () => {
  const text = 'a\n<!-- figures: x -->\nold\n\nold\n<!-- end of figures -->\nb\n'
  const filled = 'a\n<!-- figures: x -->\n\nnew $1\n\n<!-- end of figures -->\nb\n'
  assert.equal(fillDocument(text, { x: 'new $1' }), filled)
  assert.equal(fillDocument(filled, { x: 'new $1' }), filled)
  assert.throws(() => fillDocument(text, { y: '' }), /"x"/)
})

await test('a table has as many rules as columns', () => {
  assert.equal(
    renderTable({ title: '', head: ['a', 'b'], rows: [['1', '2']] }),
    '| a | b |\n| --- | --: |\n| 1 | 2 |',
  )
})

await test('waiting in the simulated queue is what queueing theory says of it', () => {
  const [rate, serviceS] = [300, 0.002]
  const { mean } = simulateQueue({ ...quiet, rate, serviceS })
  const busy = rate * serviceS
  const expected = (serviceS + (busy * serviceS) / (2 * (1 - busy))) * 1000 // Pollaczek and Khinchine, M/D/1
  assert.ok(Math.abs(mean / expected - 1) < 0.03, `${mean} ms, not ${expected} ms`)
})

await test('nobody waits for more than those who were there before, however long another cleans up', () => {
  const result = simulateQueue({ ...quiet, rate: 10, serviceS: 0.001, inFlight: 16 })
  assert.ok(result.p99 <= 16 + 3, `${result.p99} ms`)
  assert.ok(result.cleaned > 900, `${result.cleaned} a second`)
})

await test('moving organizations loses none, and levels what chance has piled up', () => {
  const organizations = createOrganizations({ user: 1, membership: 0, record: 0 }).slice(0, 20_000)
  const places = spread(organizations, 10)
  const { places: levelled, moved } = level(organizations, places, 10, 0.1)
  const before = sumBy(organizations, places, 10, 'users')
  const after = sumBy(organizations, levelled, 10, 'users')
  assert.equal(sum(after), sum(before))
  assert.equal(levelled.filter((place, index) => place !== places[index]).length, moved)
  assert.ok(Math.max(...after) < Math.max(...before))
})
