/**
 * Callers who meet: at the same user, at each other, at the last administrator. Every race is run many times at once,
 * over two isolates, in an order that a seed draws; what must hold holds every time.
 */
import { afterAll, describe, expect, test } from 'vitest'
import { call, type Answer } from '../support/node/client'
import { serveIssuer } from '../support/node/jwks-server'
import { startWorkers } from '../support/node/local-workers'
import { createSeed } from '../support/seed'
import { createWorld } from '../support/world'
import { races, type Attempt, type Organization, type Race } from './administrator-races'
import { connectDatabase, DATABASE_WORKER } from './rig/direct-database'
import { createDraw } from './rig/draw'

const SEED = 20_261_125
const ROUNDS = 100

const draw = createDraw(SEED)
const issuer = await serveIssuer()
const keeping = { ...issuer.vars, KEEP_LAST_ADMINISTRATOR: 'true', MEMBERS_MAY_LEAVE: 'true' }
const workers = await startWorkers({
  identity: [
    { name: 'free-1', vars: { ...issuer.vars } },
    { name: 'free-2', vars: { ...issuer.vars } },
    { name: 'keeping-1', vars: keeping },
    { name: 'keeping-2', vars: keeping },
  ],
  others: [DATABASE_WORKER],
})
const db = connectDatabase(workers.urlOf(DATABASE_WORKER.name))
afterAll(async () => {
  await workers.stop()
  await issuer.stop()
})

/** Makes all calls at the same moment, alternately to two isolates, in an order that the seed draws. */
async function race(kind: 'free' | 'keeping', attempts: readonly Attempt[]): Promise<Answer[]> {
  const tokens = await Promise.all(attempts.map(({ subject }) => issuer.token(subject)))
  const order = draw.mix(attempts.map((attempt, place) => [{ ...attempt, place }]))
  const answers: Answer[] = []
  await Promise.all(
    order.map(async ({ target, key, place }, turn) => {
      const { organizationID, userID } = target
      const token = tokens[place] ?? ''
      const headers = key === undefined ? {} : { 'Idempotency-Key': key }
      const url = workers.urlOf(`${kind}-${(turn % 2) + 1}`)
      answers[place] = await call(url, { organizationID, userID, token, headers })
    }),
  )
  return answers
}

async function countOf(sql: string, id: string): Promise<number> {
  const found = await db.prepare(`SELECT count(*) AS n FROM ${sql}`).bind(id).first('n')
  return Number(found)
}

const tally = (answers: readonly Answer[]): Record<number, number> => {
  const counts: Record<number, number> = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

const recordsOf = (id: string) => countOf('user_deletions WHERE organization_user_id = ?', id)

describe('200 deletions of one user at the same moment', () => {
  test('exactly one deletes, the others find nobody', async () => {
    const { target, administrator } = await createWorld(db)
    const { subject } = administrator.person
    const attempts = Array.from({ length: 200 }, () => ({ subject, target }))
    expect(tally(await race('free', attempts))).toEqual({ 200: 1, 404: 199 })
    expect(await recordsOf(target.userID)).toBe(1)
  })

  test('with one idempotency key of one actor all get the same answer, for one deletion', async () => {
    const { target, administrator } = await createWorld(db)
    const { subject } = administrator.person
    const attempts = Array.from({ length: 200 }, () => ({ subject, target, key: 'one' }))
    expect(tally(await race('free', attempts))).toEqual({ 200: 200 })
    expect(await recordsOf(target.userID)).toBe(1)
  })

  test('with one idempotency key of four actors one of them gets its answer', async () => {
    const world = await createWorld(db)
    const { target } = world
    const other = createSeed()
    const second = other.member(world.organizationID, { groups: [world.administrators] })
    await other.save(db)
    const subjects = [
      world.administrator.person.subject,
      second.person.subject,
      world.platformAdministrator.subject,
      world.serviceAccount,
    ]
    const attempts = Array.from({ length: 200 }, (_, index) => ({
      subject: subjects[index % 4] ?? '',
      target,
      key: 'one',
    }))
    const answers = await race('free', attempts)
    expect(tally(answers)).toEqual({ 200: 50, 404: 150 })
    const winners = attempts.filter((_, index) => answers[index]?.status === 200)
    expect(new Set(winners.map(({ subject }) => subject)).size).toBe(1)
    expect(await recordsOf(target.userID)).toBe(1)
  })
})

async function createOrganizations(size: number): Promise<readonly Organization[]> {
  const seed = createSeed()
  const organizations = Array.from({ length: ROUNDS }, () => {
    const organizationID = seed.organization()
    const groups = [seed.group(organizationID, ['administrator'])]
    return {
      organizationID,
      administrators: Array.from({ length: size }, () => seed.member(organizationID, { groups })),
      serviceAccount: seed.serviceAccount(organizationID, groups),
      platformAdministrator: seed.person({ globalRoles: ['platform-administrator'] }).subject,
    }
  })
  await seed.save(db)
  return organizations
}

/** Runs the race in many organizations at once. @returns the answers and who is left, by organization */
async function runRounds(kind: 'free' | 'keeping', { size, attempts }: Race) {
  const organizations = await createOrganizations(size)
  const answers = await race(kind, organizations.flatMap(attempts))
  const perRound = answers.length / ROUNDS
  return Promise.all(
    organizations.map(async ({ organizationID }, round) => [
      tally(answers.slice(round * perRound, (round + 1) * perRound)),
      await countOf('organization_users WHERE organization_id = ?', organizationID),
    ]),
  )
}

describe.each(races)(`in each of ${ROUNDS} organizations in which $race`, (given) => {
  test('an organization that keeps its last administrator has one left where it must', async () => {
    const right = Array.from({ length: ROUNDS }, () => given.keeping)
    expect(await runRounds('keeping', given)).toEqual(right)
  })

  test('without the setting only permission counts', async () => {
    const right = Array.from({ length: ROUNDS }, () => given.free)
    expect(await runRounds('free', given)).toEqual(right)
  })
})
