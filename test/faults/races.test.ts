/**
 * Calls at the same moment for one user, for each other's callers and for the last administrator. Each race of
 * administrators runs in many organizations at once, over two isolates, in a random order from a seed.
 */
import { sample, shuffledSubarray } from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { createSeed, type Member } from '../../dev/seeder.ts'
import { createFixture } from '../support/fixture'
import { call } from '../support/node/client'
import { findState } from './harness/direct-database'
import { startIdentity } from './harness/start'

const SEED = 20_261_125
const ROUNDS = 100

const keepingVars = { KEEP_LAST_ADMINISTRATOR: 'true', MEMBERS_MAY_LEAVE: 'true' }
const workers = await startIdentity({
  identity: [
    { name: 'free-1' },
    { name: 'free-2' },
    { name: 'keeping-1', vars: keepingVars },
    { name: 'keeping-2', vars: keepingVars },
  ],
})
const { db, issuer } = workers
afterAll(() => workers.stop())

interface Attempt {
  readonly subject: string
  readonly target: Member
  readonly key?: string
}

/** Makes all calls at the same moment, alternately to two isolates. @returns the statuses, in the order of the attempts */
async function race(kind: 'free' | 'keeping', attempts: readonly Attempt[]): Promise<number[]> {
  const tokens = await Promise.all(attempts.map(({ subject }) => issuer.token(subject)))
  const all = { minLength: attempts.length, maxLength: attempts.length }
  const [order = []] = sample(shuffledSubarray([...attempts.keys()], all), {
    seed: SEED,
    numRuns: 1,
  })
  const statuses: number[] = []
  await Promise.all(
    order.map(async (place, turn) => {
      const { target, key } = attempts[place]!
      const headers = key === undefined ? {} : { 'Idempotency-Key': key }
      const url = workers.urlOf(`${kind}-${(turn % 2) + 1}`)
      statuses[place] = (await call(url, { ...target, token: tokens[place]!, headers })).status
    }),
  )
  return statuses
}

function count(statuses: readonly number[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

describe('of 100 deletions of one user at the same moment', () => {
  test.for([
    ['one gets 200 and the others 404', 1, undefined, { 200: 1, 404: 99 }],
    ['all get 200 if they have one caller and one idempotency key', 1, 'key', { 200: 100 }],
    ['those of one caller get 200 if four callers use one key', 4, 'key', { 200: 25, 404: 75 }],
  ] as const)('%s', async ([, callers, key, expected]) => {
    let second: Member | undefined
    const fixture = await createFixture(db, (seed, { organizationID, administrators }) => {
      second = seed.member(organizationID, { groups: [administrators] })
    })
    const { target } = fixture
    const subjects = [
      fixture.administrator.person.subject,
      fixture.platformAdministrator.subject,
      fixture.serviceAccount,
      second!.person.subject,
    ].slice(0, callers)
    const attempts = Array.from({ length: 100 }, (_, index) => {
      const subject = subjects[index % callers]!
      return { subject, target, ...(key === undefined ? {} : { key }) }
    })
    const statuses = await race('free', attempts)
    expect(count(statuses)).toEqual(expected)
    const deleting = attempts.filter((_, index) => statuses[index] === 200)
    expect(new Set(deleting.map(({ subject }) => subject)).size).toBe(1)
    expect(await findState(db, target.userID)).toBe('0 users, 0 memberships, 1 records')
  })
})

async function createOrganizations(size: number) {
  const seed = createSeed()
  const organizations = Array.from({ length: ROUNDS }, () => {
    const organizationID = seed.organization()
    const groups = [seed.group(organizationID, ['administrator'])]
    return {
      organizationID,
      administrators: Array.from({ length: size }, () => seed.member(organizationID, { groups })),
      serviceAccount: seed.serviceAccount(organizationID, groups),
      platform: seed.person({ globalRoles: ['platform-administrator'] }).subject,
    }
  })
  await seed.save(db)
  return organizations
}

/** An administrator by its number, or another caller; and the number of the administrator to remove. */
type Removal = readonly [caller: number | 'serviceAccount' | 'platform', target: number]
/** The statuses, and the number of administrators who are left. */
type Result = readonly [Record<number, number>, number]

const ONE_LEFT: Result = [{ 200: 1, 403: 1 }, 1]
const NONE_LEFT: Result = [{ 200: 2 }, 0]
const EIGHT = Array.from({ length: 8 }, (_, each): Removal => [each, each])
const both = (first: Removal[0], second: Removal[0]): readonly Removal[] => [
  [first, 0],
  [second, 1],
]

/** Each race with one removal for each administrator, and its result if the last one is kept and if not. */
const races: readonly [string, readonly Removal[], keeping: Result, free: Result][] = [
  ['two administrators remove each other', both(1, 0), ONE_LEFT, ONE_LEFT],
  ['eight administrators remove themselves', EIGHT, [{ 200: 7, 403: 1 }, 1], [{ 200: 8 }, 0]],
  ['a service account removes both', both('serviceAccount', 'serviceAccount'), ONE_LEFT, NONE_LEFT],
  [
    'one removes itself, a service account the other',
    both(0, 'serviceAccount'),
    ONE_LEFT,
    NONE_LEFT,
  ],
  ['a platform administrator removes both', both('platform', 'platform'), NONE_LEFT, NONE_LEFT],
]

const COUNT_USERS =
  'SELECT organization_id AS id, count(*) AS count FROM organization_users GROUP BY organization_id'

describe(`the rules for administrators hold in each of ${ROUNDS} organizations, with KEEP_LAST_ADMINISTRATOR and without, if`, () => {
  test.each(races)('%s', async (_, removals, keeping, free) => {
    for (const [kind, expected] of [
      ['keeping', keeping],
      ['free', free],
    ] as const) {
      const organizations = await createOrganizations(removals.length)
      const attempts = organizations.flatMap(({ administrators, ...others }) =>
        removals.map(([caller, target]) => ({
          subject:
            typeof caller === 'number' ? administrators[caller]!.person.subject : others[caller],
          target: administrators[target]!,
        })),
      )
      const statuses = await race(kind, attempts)
      const { results } = await db.prepare(COUNT_USERS).all<{ id: string; count: number }>()
      const left = new Map(results.map((row) => [row.id, row.count]))
      for (const [round, { organizationID }] of organizations.entries()) {
        const start = round * removals.length
        const ofRound = count(statuses.slice(start, start + removals.length))
        const seen = [kind, round, ofRound, left.get(organizationID) ?? 0]
        expect(seen).toEqual([kind, round, ...expected])
      }
    }
  })
})
