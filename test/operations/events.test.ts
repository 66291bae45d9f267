/**
 * What docs/events.md shows: its consumer, on a real queue with real D1, ends the seats of deleted users, whatever the
 * order of events, and with copies. So does the receiver of the example, for any sequence of events.
 */
import * as fc from 'fast-check'
import { parse } from 'smol-toml'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { DATABASE } from '../../dev/identity-worker.ts'
import { addUser, removeUser, type Seats } from '../../examples/deletion-listener/run/receiver'
import { readDocument } from './document'
import { bundleScript } from '../support/node/bundle'
import { createSeed } from '../../dev/seeder.ts'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'

interface Event {
  readonly id: string
  readonly time: string
}

const document = await readDocument('docs/events.md')
const readEvent = (heading: string) => JSON.parse(document.section(heading).code[0]!.text) as Event
const event = readEvent('The event')
const oversized = readEvent('Too large for a message')
const [source, toml] = document.section('A consumer').code.map(({ text }) => text)
const { queues } = parse(toml ?? '') as unknown as { queues: { consumers: { queue: string }[] } }

let workers: LocalWorkers

beforeAll(async () => {
  const { queue } = queues.consumers[0]!
  workers = await startWorkers({
    identity: [{ queueProducers: { DELETION_EVENTS: queue } }],
    others: [
      {
        name: 'consumer',
        modules: true,
        script: await bundleScript({ stdin: { contents: source ?? '', loader: 'ts' } }),
        d1Databases: { SEATS: DATABASE.DB, IDENTITY: DATABASE.DB }, // one for both, to which the test has access
        queueConsumers: { [queue]: { maxBatchTimeout: 0, maxBatchSize: 2 } },
      },
    ],
  })
})

afterAll(() => workers.stop())

async function saveRecord(id: string, userID: string, deletedAt: number): Promise<void> {
  const seed = createSeed()
  seed.row('user_deletions', {
    id,
    organization_id: 'acme',
    organization_user_id: userID,
    user_id: 'person',
    actor_kind: 'user',
    actor_subject: 'ada',
    groups_removed: 0,
    request_id: 'request',
    deleted_at: deletedAt,
  })
  await seed.save(workers.db)
}

async function run(sql = ''): Promise<Record<string, unknown>[]> {
  return (await workers.db.prepare(sql).all()).results
}

async function readColumn(table: string): Promise<unknown[]> {
  const rows = await run(`SELECT user_id FROM ${table} ORDER BY user_id`)
  return rows.map((row) => row['user_id'])
}

test('the consumer ends the seats of deleted users, also of one whom the event cannot name', async () => {
  const longID = 'u-whose-ID-is-long'
  const statements = [
    'CREATE TABLE seats (user_id TEXT PRIMARY KEY) STRICT',
    'CREATE TABLE deleted_users (user_id TEXT PRIMARY KEY) STRICT',
    `INSERT INTO seats VALUES ('u-17'), ('u-18'), ('${longID}')`,
  ]
  await saveRecord(oversized.id, longID, 0)
  await workers.db.batch(statements.map((sql) => workers.db.prepare(sql)))
  const queue = await workers.queueOf('identity', 'DELETION_EVENTS')
  for (const body of [oversized, event, event, oversized, event]) await queue.send(body)
  await vi.waitFor(async () => expect(await readColumn('deleted_users')).toHaveLength(2), 30_000)
  expect(await readColumn('deleted_users')).toEqual(['u-17', longID])
  expect(await readColumn('seats')).toEqual(['u-18'])
})

test('the statements replay deletions, count events that wait, and empty the outbox', async () => {
  const [since = '', all = ''] = document.section('Replay').code.map(({ text }) => text)
  const [count, empty] = ['When something fails', 'Turn it off'].map(
    (heading) => document.section(heading).code[0]!.text,
  )
  const readPending = () => run('SELECT deletion_id AS id FROM deletion_outbox ORDER BY 1')
  const time = Number(/deleted_at >= (\d+)/.exec(since)?.[1])
  await saveRecord('before', 'u-1', time - 1)
  await saveRecord('since', 'u-2', time)
  await run(since)
  expect(await readPending()).toEqual([{ id: 'since' }])
  await run(all)
  await run(all)
  expect(await readPending()).toEqual([{ id: oversized.id }, { id: 'before' }, { id: 'since' }])
  expect(await run(count)).toEqual([{ pending: 3, oldest: oversized.id }])
  await run(empty)
  expect(await readPending()).toEqual([])
})

test.each([event, oversized])('an ID begins with the time of its deletion: $id', ({ id, time }) => {
  expect(Number.parseInt(id.replace('-', '').slice(0, 12), 16)).toBe(Date.parse(time))
})

test('a receiver ends equal after any sequence of users who come and are deleted', () => {
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
