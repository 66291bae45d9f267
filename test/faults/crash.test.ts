/**
 * The runtime is killed several times during a load of deletions and started again on the same database. Each user is
 * there with all memberships or gone, and each acknowledged deletion has happened.
 */
import pMap from 'p-map'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { call, type Call } from '../support/node/client'
import { serveIssuer } from '../support/node/jwks-server'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'
import { createSeed } from '../../dev/seeder.ts'
import { connectDatabase, countRows, DATABASE_WORKER } from './harness/direct-database'
import { createDraw } from './harness/draw'

const SEED = 20_261_125
const ROUNDS = 6
const USERS = 200
const GROUPS = 3
const CONCURRENCY = 24

const issuer = await serveIssuer()
const storage = await mkdtemp(join(tmpdir(), 'identity-crash-'))
const draw = createDraw(SEED)
afterAll(async () => {
  await issuer.stop()
  await rm(storage, { recursive: true, force: true })
})

const start = (migrate: boolean): Promise<LocalWorkers> =>
  startWorkers({
    identity: [{ vars: { ...issuer.vars } }],
    others: [DATABASE_WORKER],
    storage,
    migrate,
  })

const databaseOf = (workers: LocalWorkers): D1Database =>
  connectDatabase(workers.urlOf(DATABASE_WORKER.name))

/** Calls that delete the users of a new organization, each user in every group. */
async function createLoad(db: D1Database): Promise<readonly Call[]> {
  const seed = createSeed()
  const organizationID = seed.organization()
  const administrators = seed.group(organizationID, ['administrator'])
  const { person } = seed.member(organizationID, { groups: [administrators] })
  const groups = Array.from({ length: GROUPS }, () => seed.group(organizationID))
  const users = Array.from({ length: USERS }, () => seed.member(organizationID, { groups }))
  await seed.save(db)
  const token = await issuer.token(person.subject)
  return users.map(({ userID }) => {
    const headers = { 'Idempotency-Key': `delete-${userID}` }
    return { organizationID, userID, token, headers }
  })
}

/** The state of a user after a crash: `whole`, `gone`, or the counts of a user in part. */
async function findState(db: D1Database, userID: string): Promise<string> {
  const { users, memberships, records } = await countRows(db, userID)
  if (users === 1 && memberships === GROUPS && records === 0) return 'whole'
  if (users === 0 && memberships === 0 && records === 1) return 'gone'
  return `${users} users, ${memberships} memberships, ${records} records`
}

interface Crash {
  readonly acknowledged: readonly Call[]
  /** Without a response: these may have happened or not. */
  readonly unanswered: readonly Call[]
}

/** Makes the calls, and kills the runtime once so many of them are acknowledged. */
async function crash(workers: LocalWorkers, load: readonly Call[], after: number): Promise<Crash> {
  const acknowledged: Call[] = []
  const unanswered: Call[] = []
  await pMap(
    load,
    async (sent) => {
      try {
        expect((await call(workers.url, sent)).status).toBe(200)
        acknowledged.push(sent)
        if (acknowledged.length === after) process.kill(workers.pid, 'SIGKILL')
      } catch (error) {
        if (!(error instanceof TypeError)) throw error
        unanswered.push(sent)
      }
    },
    { concurrency: CONCURRENCY },
  )
  return { acknowledged, unanswered }
}

const moments = draw.numbers(ROUNDS, USERS / 2)

test.for(moments.map((moment, round) => ({ round: round + 1, after: 20 + moment })))(
  'round $round: the runtime is killed after $after acknowledged deletions',
  async ({ round, after }) => {
    const before = await start(round === 1)
    const load = await createLoad(databaseOf(before))
    const { acknowledged, unanswered } = await crash(before, load, after)
    await before.stop()
    expect(unanswered.length).toBeGreaterThan(0)

    const workers = await start(false)
    const db = databaseOf(workers)
    const stateOf = ({ userID = '' }: Call): Promise<string> => findState(db, userID)
    const known = await Promise.all(acknowledged.map(stateOf))
    expect(new Set(known)).toEqual(new Set(['gone']))
    const unknown = await Promise.all(unanswered.map(stateOf))
    expect(unknown.filter((state) => state !== 'whole' && state !== 'gone')).toEqual([])
    expect((await db.prepare('PRAGMA foreign_key_check').all()).results).toEqual([])

    // A repeat with the same key gets 200, whenever the user was removed.
    const again = await pMap(unanswered, (sent) => call(workers.url, sent), { concurrency: 8 })
    expect(new Set(again.map(({ status }) => status))).toEqual(new Set([200]))
    const afterwards = await Promise.all(load.map(stateOf))
    expect(new Set(afterwards)).toEqual(new Set(['gone']))
    await workers.stop()
  },
)
