/**
 * Loads of deletions with events, while the queue and D1 fail, and while the runtime is killed. Afterwards each user is
 * complete or gone, each acknowledged deletion has happened, and each deletion record has its event.
 *
 * The environment variable EVENTS sets the number of deletions: `EVENTS=10000 npm run test:faults -- loads`.
 */
import { integer, sample } from 'fast-check'
import pMap from 'p-map'
import { afterAll, expect, test } from 'vitest'
import { createSeed } from '../../dev/seeder.ts'
import { call, type Call } from '../support/node/client'
import { createFolder } from '../support/node/folder'
import { serveIssuer } from '../support/node/jwks-server'
import { findState } from './harness/direct-database'
import { startQueue } from './harness/queue'
import { startHarness, type Harness } from './harness/start'
import type { DatabaseFault } from './harness/worker'

const SEED = 20_261_126
const COUNT = Number(process.env['EVENTS'] ?? 600)
const KILLED_COUNT = 200
const GROUPS = 3
const concurrency = 24
const LOST: DatabaseFault = { message: 'Network connection lost.', commits: true }

const COMPLETE = `1 users, ${GROUPS} memberships, 0 records`
const GONE = '0 users, 0 memberships, 1 records'

const issuer = await serveIssuer()
const queue = await startQueue()
const storage = await createFolder()
afterAll(async () => {
  await issuer.stop()
  queue.stop()
})

/** Numbers from 0 to below `limit`. */
const draw = (count: number, limit: number): number[] =>
  sample(integer({ min: 0, max: limit - 1 }), { seed: SEED, numRuns: count, unbiased: true })

const start = (migrate: boolean): Promise<Harness> =>
  startHarness({
    issuer,
    identity: [{ serviceBindings: { DELETION_EVENTS: queue.binding } }],
    others: [queue.worker],
    storage,
    migrate,
  })

/** Calls that delete the users of a new organization, each user in every group. */
async function createLoad({ db }: Harness, count: number): Promise<readonly Call[]> {
  const seed = createSeed()
  const organizationID = seed.organization()
  const administrators = seed.group(organizationID, ['administrator'])
  const { person } = seed.member(organizationID, { groups: [administrators] })
  const groups = Array.from({ length: GROUPS }, () => seed.group(organizationID))
  const users = Array.from({ length: count }, () => seed.member(organizationID, { groups }))
  await seed.save(db)
  const claims = { exp: Math.floor(Date.now() / 1_000) + 24 * 3_600 }
  const token = await issuer.token(person.subject, { claims })
  return users.map(({ userID }) => {
    const headers = { 'Idempotency-Key': `delete-${userID}` }
    return { organizationID, userID, token, headers }
  })
}

const findStates = async ({ db }: Harness, load: readonly Call[]): Promise<Set<string>> =>
  new Set(await Promise.all(load.map(({ userID = '' }) => findState(db, userID))))

async function readIDs({ db }: Harness, sql: string): Promise<string[]> {
  const { results } = await db.prepare(sql).all()
  return results.map(({ id }) => String(id)).toSorted()
}

const readRecords = (harness: Harness) => readIDs(harness, 'SELECT id FROM user_deletions')
const readPending = (harness: Harness) =>
  readIDs(harness, 'SELECT deletion_id AS id FROM deletion_outbox')

/** Each record has an event that was sent or is still pending. */
async function checkEvents(harness: Harness): Promise<void> {
  const sentOrPending = new Set([...queue.events.keys(), ...(await readPending(harness))])
  const records = await readRecords(harness)
  expect(records.filter((id) => !sentOrPending.has(id))).toEqual([])
}

/** After a sweep with a working queue, the events are those of the records, and all copies of an event are equal. */
async function sweepAndCheckEvents(harness: Harness): Promise<void> {
  queue.behave = () => 'accepts'
  await harness.sweep()
  expect(await readPending(harness)).toEqual([])
  expect([...queue.events.keys()].toSorted()).toEqual(await readRecords(harness))
  const different = [...queue.events.values()].filter((copies) => new Set(copies).size > 1)
  expect(different).toEqual([])
}

test(`${COUNT} deletions while one call of the queue in three fails and D1 loses responses`, async () => {
  const harness = await start(true)
  const load = await createLoad(harness, COUNT)
  const ofQueue = draw(COUNT * 2, 60)
  queue.behave = () => {
    const drawn = ofQueue.pop() ?? 0
    if (drawn < 3) return 'hangs'
    return drawn < 23 ? 'fails' : 'accepts'
  }
  const ofDatabase = draw(COUNT, 20)
  const statuses = await pMap(
    load,
    async (sent, index) => {
      const drawn = ofDatabase[index] ?? 0
      const faults = drawn === 0 ? [LOST, LOST, LOST] : [LOST]
      return (await harness.call(sent, { database: drawn < 4 ? faults : [] })).status
    },
    { concurrency },
  )
  expect(new Set(statuses)).toEqual(new Set([200, 500]))
  expect(await readRecords(harness)).toHaveLength(COUNT)
  await checkEvents(harness)
  // A hanging call of the queue ends after ten seconds. The sweep sends its event again.
  await sweepAndCheckEvents(harness)
  await harness.stop()
})

interface Crash {
  readonly acknowledged: readonly Call[]
  /** Calls without a response, which may have happened or not. */
  readonly unanswered: readonly Call[]
}

/** Makes the calls, and kills the runtime after a number of acknowledged ones. */
async function crash(harness: Harness, load: readonly Call[], after: number): Promise<Crash> {
  const acknowledged: Call[] = []
  const unanswered: Call[] = []
  await pMap(
    load,
    async (sent) => {
      try {
        expect((await call(harness.url, sent)).status).toBe(200)
        acknowledged.push(sent)
        if (acknowledged.length === after) process.kill(harness.pid, 'SIGKILL')
      } catch (error) {
        if (!(error instanceof TypeError)) throw error
        unanswered.push(sent)
      }
    },
    { concurrency },
  )
  await harness.stop()
  return { acknowledged, unanswered }
}

let pendingAfterCrash = 0

test.for(draw(4, KILLED_COUNT / 2).map((moment) => 20 + moment))(
  'the runtime is killed after %i acknowledged deletions',
  async (after) => {
    const before = await start(false)
    const load = await createLoad(before, KILLED_COUNT)
    const { acknowledged, unanswered } = await crash(before, load, after)
    expect(unanswered.length).toBeGreaterThan(0)

    const harness = await start(false)
    expect(await findStates(harness, acknowledged)).toEqual(new Set([GONE]))
    const states = await findStates(harness, unanswered)
    expect([...states].filter((state) => state !== COMPLETE && state !== GONE)).toEqual([])
    expect((await harness.db.prepare('PRAGMA foreign_key_check').all()).results).toEqual([])
    pendingAfterCrash += (await readPending(harness)).length
    await checkEvents(harness)

    // A repeat with the same key gets 200, whether the first call deleted the user or not.
    const repeats = await pMap(unanswered, (sent) => call(harness.url, sent), { concurrency: 8 })
    expect(new Set(repeats.map(({ status }) => status))).toEqual(new Set([200]))
    expect(await findStates(harness, load)).toEqual(new Set([GONE]))
    await sweepAndCheckEvents(harness)
    await harness.stop()
  },
)

test('the crashes left events to the sweep', () => {
  expect(pendingAfterCrash).toBeGreaterThan(0)
})
