/**
 * Members who leave, with MEMBERS_MAY_LEAVE, over HTTP. test/queries/permissions.test.ts compares every situation, with
 * and without the variable, with a model of the rules.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { compare, readDatabase } from './support/database'
import type { Member, MemberOptions } from '../dev/seeder.ts'
import { createHarness } from './support/worker/harness'

const LEAVE = { MEMBERS_MAY_LEAVE: 'true' }

describe('a member may leave', () => {
  test.each<[string, MemberOptions, 'readers' | 'administrators' | undefined, number]>([
    ['in no group', {}, undefined, 200],
    ['in a group', {}, 'readers', 200],
    ['who is invited and declines', { state: 'pending' }, undefined, 200],
    [
      'whose pending membership is in a granting group',
      { state: 'pending' },
      'administrators',
      200,
    ],
    ['unless it is suspended', { state: 'suspended' }, undefined, 403],
  ])('%s, only with the variable', async (_, options, group, status) => {
    for (const MEMBERS_MAY_LEAVE of ['true', 'false', undefined]) {
      let own: Member | undefined
      const { callAs } = await createHarness({
        vars: { MEMBERS_MAY_LEAVE },
        seed(seed, fixture) {
          const groups = group === undefined ? [] : [fixture[group]]
          own = seed.member(fixture.organizationID, { ...options, groups })
        },
      })
      const response = await callAs(own!, own)
      expect(response.status).toBe(MEMBERS_MAY_LEAVE === 'true' ? status : 403)
      expect(response.line.reason).toBe(response.status === 200 ? undefined : 'not_permitted')
    }
  })

  test('and its record names it as the actor and as the user', async () => {
    const { callAs, fixture } = await createHarness({ vars: LEAVE })
    const before = await readDatabase(env.DB)
    await callAs(fixture.target, fixture.target)
    const { removed, added } = compare(before, await readDatabase(env.DB))
    expect(removed['organization_users']).toHaveLength(1)
    expect(removed['group_members']).toHaveLength(2)
    expect(added['user_deletions']).toMatchObject([
      {
        organization_user_id: fixture.target.userID,
        user_id: fixture.target.person.id,
        actor_kind: 'user',
        actor_subject: fixture.target.person.subject,
      },
    ])
  })

  test('and gets 200 again for a repeat with its idempotency key, 403 for one without', async () => {
    const { callAs, fixture } = await createHarness({ vars: LEAVE })
    const headers = { 'Idempotency-Key': 'leave' }
    const statuses = []
    for (const call of [{ headers }, { headers }, {}]) {
      statuses.push((await callAs(fixture.plain, { ...fixture.plain, ...call })).status)
    }
    expect(statuses).toEqual([200, 200, 403])
  })
})

test('a member leaves and the last administrator does not, with KEEP_LAST_ADMINISTRATOR', async () => {
  const { callAs, fixture } = await createHarness({
    vars: { ...LEAVE, KEEP_LAST_ADMINISTRATOR: 'true' },
  })
  expect((await callAs(fixture.target, fixture.target)).status).toBe(200)
  const response = await callAs(fixture.administrator, fixture.administrator)
  expect(response.line.reason).toBe('last_administrator')
})
