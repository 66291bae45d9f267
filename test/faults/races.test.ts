/**
 * Calls at the same moment for the same user, for each other's callers and for the last administrator. Each race runs
 * many times at once, over two isolates, in an order that a seed draws; the rules hold every time.
 */
import { afterAll, describe, expect, test } from 'vitest'
import { call, type CallResponse } from '../support/node/client'
import { serveIssuer } from '../support/node/jwks-server'
import { startWorkers } from '../support/node/local-workers'
import { createSeed, type Member } from '../../dev/seeder.ts'
import { createFixture } from '../support/fixture'
import { connectDatabase, DATABASE_WORKER } from './harness/direct-database'
import { createDraw } from './harness/draw'

const SEED = 20_261_125
const ROUNDS = 100

const draw = createDraw(SEED)
const issuer = await serveIssuer()
const keepingVars = { ...issuer.vars, KEEP_LAST_ADMINISTRATOR: 'true', MEMBERS_MAY_LEAVE: 'true' }
const workers = await startWorkers({
  identity: [
    { name: 'free-1', vars: { ...issuer.vars } },
    { name: 'free-2', vars: { ...issuer.vars } },
    { name: 'keeping-1', vars: keepingVars },
    { name: 'keeping-2', vars: keepingVars },
  ],
  others: [DATABASE_WORKER],
})
const db = connectDatabase(workers.urlOf(DATABASE_WORKER.name))
afterAll(async () => {
  await workers.stop()
  await issuer.stop()
})

interface Attempt {
  readonly subject: string
  readonly target: Member
  readonly key?: string
}

/** Makes all calls at the same moment, alternately to two isolates, in an order that the seed draws. */
async function race(
  kind: 'free' | 'keeping',
  attempts: readonly Attempt[],
): Promise<CallResponse[]> {
  const tokens = await Promise.all(attempts.map(({ subject }) => issuer.token(subject)))
  const order = draw.mix(attempts.map((attempt, place) => [{ ...attempt, place }]))
  const responses: CallResponse[] = []
  await Promise.all(
    order.map(async ({ target, key, place }, turn) => {
      const { organizationID, userID } = target
      const token = tokens[place] ?? ''
      const headers = key === undefined ? {} : { 'Idempotency-Key': key }
      const url = workers.urlOf(`${kind}-${(turn % 2) + 1}`)
      responses[place] = await call(url, { organizationID, userID, token, headers })
    }),
  )
  return responses
}

async function countOf(sql: string, id: string): Promise<number> {
  return Number(await db.prepare(`SELECT count(*) AS n FROM ${sql}`).bind(id).first('n'))
}

const tally = (responses: readonly CallResponse[]): Record<number, number> => {
  const counts: Record<number, number> = {}
  for (const { status } of responses) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

const recordsOf = (id: string) => countOf('user_deletions WHERE organization_user_id = ?', id)

describe('200 deletions of one user at the same moment', () => {
  test('exactly one deletes, the others get 404', async () => {
    const { target, administrator } = await createFixture(db)
    const { subject } = administrator.person
    const attempts = Array.from({ length: 200 }, () => ({ subject, target }))
    expect(tally(await race('free', attempts))).toEqual({ 200: 1, 404: 199 })
    expect(await recordsOf(target.userID)).toBe(1)
  })

  test('with one idempotency key of one actor all get 200 for one deletion', async () => {
    const { target, administrator } = await createFixture(db)
    const { subject } = administrator.person
    const attempts = Array.from({ length: 200 }, () => ({ subject, target, key: 'one' }))
    expect(tally(await race('free', attempts))).toEqual({ 200: 200 })
    expect(await recordsOf(target.userID)).toBe(1)
  })

  test('with one idempotency key of four actors only one actor gets 200', async () => {
    const fixture = await createFixture(db)
    const { target } = fixture
    const other = createSeed()
    const second = other.member(fixture.organizationID, { groups: [fixture.administrators] })
    await other.save(db)
    const subjects = [
      fixture.administrator.person.subject,
      second.person.subject,
      fixture.platformAdministrator.subject,
      fixture.serviceAccount,
    ]
    const attempts = Array.from({ length: 200 }, (_, index) => ({
      subject: subjects[index % 4] ?? '',
      target,
      key: 'one',
    }))
    const responses = await race('free', attempts)
    expect(tally(responses)).toEqual({ 200: 50, 404: 150 })
    const winners = attempts.filter((_, index) => responses[index]?.status === 200)
    expect(new Set(winners.map(({ subject }) => subject)).size).toBe(1)
    expect(await recordsOf(target.userID)).toBe(1)
  })
})

interface Organization {
  readonly organizationID: string
  readonly administrators: readonly Member[]
  readonly serviceAccount: string
  readonly platformAdministrator: string
}

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

/** Runs a race in many organizations at once. @returns the statuses and the number of users left, by organization */
async function runRounds(kind: 'free' | 'keeping', size: number, attempts: Attempts) {
  const organizations = await createOrganizations(size)
  const responses = await race(kind, organizations.flatMap(attempts))
  const perRound = responses.length / ROUNDS
  return Promise.all(
    organizations.map(async ({ organizationID }, round) => [
      tally(responses.slice(round * perRound, (round + 1) * perRound)),
      await countOf('organization_users WHERE organization_id = ?', organizationID),
    ]),
  )
}

type Attempts = (organization: Organization) => readonly Attempt[]
/** The statuses, and the number of administrators left. */
type Result = readonly [Record<number, number>, number]

const remove = (subject: string, target?: Member): Attempt => ({ subject, target: target! })
const removeSelf = (member: Member): Attempt => remove(member.person.subject, member)

const ONE_LEFT: Result = [{ 200: 1, 403: 1 }, 1]
const NONE_LEFT: Result = [{ 200: 2 }, 0]

/** Each race with its number of administrators and its result if the last one is kept, and if not. */
const races: readonly [string, number, Attempts, keeping: Result, free: Result][] = [
  [
    'two administrators remove each other',
    2,
    ({ administrators: [a, b] }) => [remove(a!.person.subject, b), remove(b!.person.subject, a)],
    ONE_LEFT,
    ONE_LEFT,
  ],
  [
    'two administrators remove themselves',
    2,
    ({ administrators }) => administrators.map(removeSelf),
    ONE_LEFT,
    NONE_LEFT,
  ],
  [
    'eight administrators remove themselves',
    8,
    ({ administrators }) => administrators.map(removeSelf),
    [{ 200: 7, 403: 1 }, 1],
    [{ 200: 8 }, 0],
  ],
  [
    'a service account removes both administrators',
    2,
    ({ administrators, serviceAccount }) =>
      administrators.map((each) => remove(serviceAccount, each)),
    ONE_LEFT,
    NONE_LEFT,
  ],
  [
    'one administrator removes itself while a service account removes the other',
    2,
    ({ administrators: [a, b], serviceAccount }) => [removeSelf(a!), remove(serviceAccount, b)],
    ONE_LEFT,
    NONE_LEFT,
  ],
  [
    'a platform administrator removes both administrators',
    2,
    ({ administrators, platformAdministrator }) =>
      administrators.map((each) => remove(platformAdministrator, each)),
    NONE_LEFT,
    NONE_LEFT,
  ],
]

const everywhere = (result: Result) => Array.from({ length: ROUNDS }, () => result)

test.each(races)(
  `in each of ${ROUNDS} organizations, with KEEP_LAST_ADMINISTRATOR and without it: %s`,
  async (_, size, attempts, keeping, free) => {
    expect(await runRounds('keeping', size, attempts)).toEqual(everywhere(keeping))
    expect(await runRounds('free', size, attempts)).toEqual(everywhere(free))
  },
)
