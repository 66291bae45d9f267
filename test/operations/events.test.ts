/**
 * docs/events.md: its consumer, on a real queue and D1, ends the seats of deleted users in any order and with copies, and
 * so does the receiver of the example. The statements replay, count and drop events.
 */
import * as fc from 'fast-check'
import { parse } from 'smol-toml'
import { expect, test, vi } from 'vitest'
import { DATABASE } from '../../dev/identity-worker.ts'
import { addUser, removeUser, type Seats } from '../../examples/deletion-listener/run/receiver'
import { bundleScript } from '../support/node/bundle'
import { readDocument } from './document'
import { addRecord, createHarness } from './harness'

interface Event {
  readonly id: string
  readonly time: string
}

const page = await readDocument('docs/events.md')
const readBlock = (heading: string) => page.section(heading).code[0]!.text
const event = JSON.parse(readBlock('The event')) as Event
const oversized = JSON.parse(readBlock('Too large for a message')) as Event
const [source = '', toml = ''] = page.section('A consumer').code.map(({ text }) => text)
const { queues } = parse(toml) as unknown as { queues: { consumers: [{ queue: string }] } }
const [{ queue }] = queues.consumers

const consumer = {
  name: 'consumer',
  modules: true,
  script: await bundleScript({ stdin: { contents: source, loader: 'ts' } }),
  d1Databases: { SEATS: DATABASE.DB, IDENTITY: DATABASE.DB }, // one database, which the test can read
  queueConsumers: { [queue]: { maxBatchTimeout: 0, maxBatchSize: 2 } },
}
const { workers, db, run } = await createHarness(
  () => [{ queueProducers: { DELETION_EVENTS: queue } }],
  [consumer],
)

async function readUsers(table: string): Promise<unknown[]> {
  const rows = await run(`SELECT user_id FROM ${table} ORDER BY user_id`)
  return rows.map((row) => row['user_id'])
}

test('the consumer ends the seats of deleted users, also of one that the event cannot name', async () => {
  await addRecord(db, { id: oversized.id, organization_user_id: 'u-long', deleted_at: 0 })
  await run(`
    CREATE TABLE seats (user_id TEXT PRIMARY KEY) STRICT;
    CREATE TABLE deleted_users (user_id TEXT PRIMARY KEY) STRICT;
    INSERT INTO seats VALUES ('u-17'), ('u-18'), ('u-long')`)
  const queue = await workers.queueOf('identity', 'DELETION_EVENTS')
  for (const body of [oversized, event, event, oversized, event]) await queue.send(body)
  await vi.waitFor(async () => expect(await readUsers('deleted_users')).toHaveLength(2), 30_000)
  expect(await readUsers('deleted_users')).toEqual(['u-17', 'u-long'])
  expect(await readUsers('seats')).toEqual(['u-18'])
})

test('the statements replay deletions, count pending events, and empty the outbox', async () => {
  const [since = '', all = ''] = page.section('Replay').code.map(({ text }) => text)
  const readPending = async () =>
    (await run('SELECT deletion_id AS id FROM deletion_outbox ORDER BY 1')).map(({ id }) => id)
  const time = Number(/deleted_at >= (\d+)/.exec(since)?.[1])
  await addRecord(db, { id: 'before', deleted_at: time - 1 })
  await addRecord(db, { id: 'since', deleted_at: time })
  await run(since)
  expect(await readPending()).toEqual(['since'])
  await run(all)
  await run(all)
  expect(await readPending()).toEqual([oversized.id, 'before', 'since'])
  const count = readBlock('When something fails')
  expect(await run(count)).toEqual([{ pending: 3, oldest: oversized.id }])
  await run(readBlock('Turn it off'))
  expect(await readPending()).toEqual([])
})

test.each([event, oversized])('an ID begins with the time of its deletion: $id', ({ id, time }) => {
  expect(Number.parseInt(id.replace('-', '').slice(0, 12), 16)).toBe(Date.parse(time))
})

test('the receiver has the same seats after any order of added and deleted users', () => {
  const change = fc.constantFrom(addUser, removeUser)
  const changes = fc.array(fc.tuple(change, fc.constantFrom('a', 'b', 'c', 'd')))
  fc.assert(
    fc.property(changes, (sequence) => {
      let seats: Seats = { taken: [], deleted: [] }
      for (const [make, userID] of sequence) seats = make(seats, userID)
      const usersOf = (kind: typeof addUser) =>
        new Set(sequence.flatMap(([make, userID]) => (make === kind ? [userID] : [])))
      const deleted = usersOf(removeUser)
      expect(seats.taken.toSorted()).toEqual([...usersOf(addUser).difference(deleted)].toSorted())
      expect(seats.deleted.toSorted()).toEqual([...deleted].toSorted())
    }),
    { numRuns: 1_000 },
  )
})
