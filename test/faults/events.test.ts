/**
 * Deletion events while everything around them fails: afterwards there is an event for each deletion record, and none
 * without one. `EVENTS=10000 npm run test:faults -- events` makes the load as large as it can get.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pMap from 'p-map'
import { afterAll, expect, test } from 'vitest'
import { call, type Call } from '../support/node/client'
import { serveIssuer } from '../support/node/jwks-server'
import { createSeed } from '../../dev/seeder.ts'
import { createDraw } from './harness/draw'
import type { DatabaseFault } from './harness/plan'
import { startQueue, type StandInQueue } from './harness/queue'
import { startHarness, type Harness } from './harness/start'

const SEED = 20_261_126
const COUNT = Number(process.env['EVENTS'] ?? 600)
const LOST: DatabaseFault = { at: 'after', message: 'Network connection lost.' }

const issuer = await serveIssuer()
const storage = await mkdtemp(join(tmpdir(), 'identity-events-'))
afterAll(async () => {
  await issuer.stop()
  await rm(storage, { recursive: true, force: true })
})

const start = (queue: StandInQueue, migrate = true, folder?: string): Promise<Harness> =>
  startHarness({ ...issuer.vars }, ['harness'], {
    others: [queue.worker],
    serviceBindings: { DELETION_EVENTS: queue.binding },
    migrate,
    ...(folder === undefined ? {} : { storage: folder }),
  })

/** Calls that delete the users of a new organization. */
async function createLoad({ db }: Harness, count: number): Promise<readonly Call[]> {
  const seed = createSeed()
  const organizationID = seed.organization()
  const administrators = seed.group(organizationID, ['administrator'])
  const { person } = seed.member(organizationID, { groups: [administrators] })
  const users = Array.from({ length: count }, () => seed.member(organizationID))
  await seed.save(db)
  const claims = { exp: Math.floor(Date.now() / 1_000) + 24 * 3_600 }
  const token = await issuer.token(person.subject, { claims })
  return users.map(({ userID }) => ({ organizationID, userID, token }))
}

async function readIDs({ db }: Harness, sql: string): Promise<string[]> {
  const { results } = await db.prepare(sql).all()
  return results.map(({ id }) => String(id)).toSorted()
}

const readPending = (harness: Harness) =>
  readIDs(harness, 'SELECT deletion_id AS id FROM deletion_outbox')

/** Sweeps with a healthy queue, and compares the records with the events. */
async function sweepAndCompare(harness: Harness, queue: StandInQueue): Promise<void> {
  queue.course = () => 'takes'
  await harness.sweep()
  expect(await readPending(harness)).toEqual([])
  expect([...queue.events.keys()].toSorted()).toEqual(
    await readIDs(harness, 'SELECT id FROM user_deletions'),
  )
  const different = [...queue.events.values()].filter((copies) => new Set(copies).size > 1)
  expect(different).toEqual([])
}

test(`${COUNT} deletions with a queue that fails one time in three and a D1 that loses responses`, async () => {
  const queue = await startQueue()
  const harness = await start(queue)
  const draw = createDraw(SEED)
  const load = await createLoad(harness, COUNT)
  const courses = draw.numbers(COUNT * 2, 60)
  queue.course = () => {
    const drawn = courses.pop() ?? 0
    return drawn < 3 ? 'hangs' : drawn < 23 ? 'fails' : 'takes'
  }
  const faults = draw.numbers(COUNT, 20)
  const statuses = await pMap(
    load,
    async (sent, index) => {
      const fault = faults[index] ?? 0
      const database = fault === 0 ? [LOST, LOST, LOST] : fault < 4 ? [LOST] : []
      return (await harness.call(sent, { database })).status
    },
    { concurrency: 24 },
  )
  expect(new Set(statuses)).toEqual(new Set([200, 500]))

  const records = await readIDs(harness, 'SELECT id FROM user_deletions')
  expect(records).toHaveLength(COUNT)
  // At this moment and at every other one: sent, or still pending.
  const sentOrPending = new Set([...queue.events.keys(), ...(await readPending(harness))])
  expect(records.filter((id) => !sentOrPending.has(id))).toEqual([])
  // Hanging calls end after ten seconds; what is sent meanwhile is sent again, equal.
  await sweepAndCompare(harness, queue)
  await harness.stop()
  await queue.stop()
})

test('deletions while the runtime is killed', async () => {
  const queue = await startQueue()
  const before = await start(queue, true, storage)
  const load = await createLoad(before, 200)
  let acknowledged = 0
  await pMap(
    load,
    async (sent) => {
      try {
        await call(before.urlOf('harness'), sent)
        acknowledged += 1
        if (acknowledged === 60) process.kill(before.pid, 'SIGKILL')
      } catch (error) {
        if (!(error instanceof TypeError)) throw error
      }
    },
    { concurrency: 24 },
  )
  await before.stop()
  const after = await start(queue, false, storage)
  expect((await readIDs(after, 'SELECT id FROM user_deletions')).length).toBeGreaterThanOrEqual(60)
  expect((await readPending(after)).length).toBeGreaterThan(0)
  await sweepAndCompare(after, queue)
  await after.stop()
  await queue.stop()
})
