/**
 * Members who leave, with MEMBERS_MAY_LEAVE: a member may delete its own user, and nothing else that it could not delete
 * before. test/queries/permissions.test.ts compares all cases with a model of the rules.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { compare, readDatabase } from './support/database'
import type { Member, Seed } from './support/seed'
import type { Answer, Call } from './support/worker/caller'
import { setStage } from './support/worker/stage'
import type { Subject, World } from './support/world'

const LEAVE = { MEMBERS_MAY_LEAVE: 'true' }

/** The subject of `own`, a membership in both organizations, and what it asks for. */
interface Case {
  readonly who?: (world: World) => Subject
  readonly own?: (seed: Seed, world: World) => Member
  readonly what?: (world: World, own: Member) => Call
}

const addMember = (seed: Seed, { organizationID }: World) => seed.member(organizationID)

async function ask(
  { who, own: add = addMember, what = (_, own) => own }: Case,
  MEMBERS_MAY_LEAVE: string | undefined,
): Promise<Answer> {
  let own: Member | undefined
  const { callAs, world } = await setStage({
    vars: { MEMBERS_MAY_LEAVE },
    seed: (seed, made) => (own = add(seed, made)),
  })
  return callAs(who?.(world) ?? own!, what(world, own!))
}

const member =
  (state: 'active' | 'pending' | 'suspended', inGroup?: 'readers' | 'administrators') =>
  (seed: Seed, world: World) =>
    seed.member(world.organizationID, {
      state,
      groups: inGroup === undefined ? [] : [world[inGroup]],
    })

describe('a member may leave', () => {
  test.each<[string, Case]>([
    ['in no group', { own: member('active') }],
    ['in a group', { own: member('active', 'readers') }],
    ['who is invited and declines', { own: member('pending') }],
    [
      'whose pending membership is in a granting group',
      { own: member('pending', 'administrators') },
    ],
  ])('%s, only with the setting', async (_, row) => {
    expect((await ask(row, 'true')).status).toBe(200)
    for (const value of ['false', undefined]) {
      expect((await ask(row, value)).line.reason).toBe('not_permitted')
    }
  })

  test('and its record names it as the actor and as the user', async () => {
    const { callAs, world } = await setStage({ vars: LEAVE })
    const before = await readDatabase(env.DB)
    await callAs(world.target, world.target)
    const { removed, added } = compare(before, await readDatabase(env.DB))
    expect(removed['organization_users']).toHaveLength(1)
    expect(removed['group_members']).toHaveLength(2)
    expect(added['user_deletions']).toMatchObject([
      {
        organization_user_id: world.target.userID,
        user_id: world.target.person.id,
        actor_kind: 'user',
        actor_subject: world.target.person.subject,
      },
    ])
  })

  test('and gets 200 again for a repeat with its idempotency key, 403 for one without', async () => {
    const { callAs, world } = await setStage({ vars: LEAVE })
    const headers = { 'Idempotency-Key': 'leave' }
    const statuses = []
    for (const call of [{ headers }, { headers }, {}]) {
      statuses.push((await callAs(world.plain, { ...world.plain, ...call })).status)
    }
    expect(statuses).toEqual([200, 200, 403])
  })
})

describe('a refusal is the same with and without the setting', () => {
  test.each<[string, number, Case]>([
    ['a suspended member, whose suspension is a hold', 403, { own: member('suspended') }],
    ['a suspended administrator', 403, { own: member('suspended', 'administrators') }],
    [
      'a person who is pending on the platform',
      401,
      {
        own: (seed, { organizationID }) =>
          seed.member(organizationID, { state: 'pending', personOptions: { state: 'pending' } }),
      },
    ],
    ['another member', 403, { what: ({ plain }) => plain }],
    ['an auditor who names another member', 403, { who: ({ auditor }) => auditor }],
    ['a user that is not there', 403, { what: (world) => ({ ...world, userID: 'absent' }) }],
    [
      'its own user in another organization, by this one’s path',
      403,
      {
        who: ({ targetElsewhere }) => targetElsewhere,
        what: ({ organizationID, targetElsewhere }) => ({ ...targetElsewhere, organizationID }),
      },
    ],
    [
      'its own user here, by another organization’s path',
      403,
      {
        what: ({ otherOrganizationID: organizationID }, { userID }) => ({ organizationID, userID }),
      },
    ],
    [
      'a service account without permission, by its own ID',
      403,
      {
        who: ({ organizationID }) => `account-${organizationID}`,
        own: (seed, { organizationID }) => {
          seed.serviceAccount(organizationID, [], `account-${organizationID}`)
          return seed.member(organizationID)
        },
        what: ({ organizationID }) => ({ organizationID, userID: `account-${organizationID}` }),
      },
    ],
    [
      'a person whose subject is also a service account',
      401,
      {
        own: (seed, { organizationID, otherOrganizationID }) => {
          const subject = `both-${organizationID}`
          seed.serviceAccount(otherOrganizationID, [], subject)
          return seed.member(organizationID, { personOptions: { subject } })
        },
      },
    ],
  ])('%s: %i', async (_, status, row) => {
    const [on, off] = [await ask(row, 'true'), await ask(row, 'false')]
    expect(on.status).toBe(status)
    expect(bytesOf(on)).toEqual(bytesOf(off))
    expect(on.line.reason).toBe(off.line.reason)
  })
})

test('a member leaves and the last administrator does not, with KEEP_LAST_ADMINISTRATOR', async () => {
  const { callAs, world } = await setStage({ vars: { ...LEAVE, KEEP_LAST_ADMINISTRATOR: 'true' } })
  expect((await callAs(world.target, world.target)).status).toBe(200)
  const answer = await callAs(world.administrator, world.administrator)
  expect(answer.line.reason).toBe('last_administrator')
})

/** Everything that reaches the caller, except the ID of the request. */
function bytesOf({ status, headers, body }: Answer) {
  return { status, body, headers: [...headers].filter(([name]) => name !== 'x-request-id') }
}
