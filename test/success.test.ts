/**
 * What a deletion does when it is right: who gets 200, what is gone, what stays, what is written down.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { compare, readDatabase } from './support/database'
import type { Member, MemberOptions, State } from '../dev/seeder.ts'
import { createHarness } from './support/worker/harness'
import { subjectOf, type Fixture } from './support/fixture'

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

test.each<['administrator' | 'serviceAccount' | 'platformAdministrator', string]>([
  ['administrator', 'user'],
  ['serviceAccount', 'service_account'],
  ['platformAdministrator', 'user'],
])('a %s gets 200 with an empty body, and is recorded as a %s', async (caller, kind) => {
  const { callAs, fixture } = await createHarness()
  const response = await callAs(fixture[caller])
  expect(response.status).toBe(200)
  expect(response.body).toBe('')
  expect([...response.headers.keys()].toSorted()).toEqual(['cache-control', 'x-request-id'])
  const actor = { kind, subject: subjectOf(fixture[caller]) }
  expect(response.line.actor).toEqual(actor)
  expect(await readRecord(fixture)).toMatchObject({
    actor_kind: kind,
    actor_subject: actor.subject,
  })
})

test('nothing changes in the whole database but the user, its memberships and the record', async () => {
  const { callAs, fixture } = await createHarness()
  const before = await readDatabase(env.DB)
  const startedAt = Date.now()
  const response = await callAs(fixture.administrator)
  const { removed, added } = compare(before, await readDatabase(env.DB))

  const { organizationID, target, administrator } = fixture
  const membership = { organization_id: organizationID, organization_user_id: target.userID }
  expect(Object.keys(removed)).toEqual(['group_members', 'organization_users'])
  expect(removed['organization_users']).toEqual([
    {
      id: target.userID,
      organization_id: organizationID,
      user_id: target.person.id,
      state: 'active',
    },
  ])
  expect(new Set(removed['group_members'])).toEqual(
    new Set([
      { ...membership, group_id: fixture.auditors },
      { ...membership, group_id: fixture.readers },
    ]),
  )
  expect(added).toEqual({
    user_deletions: [
      {
        id: expect.stringMatching(UUID_V7),
        organization_id: organizationID,
        organization_user_id: target.userID,
        user_id: target.person.id,
        actor_kind: 'user',
        actor_subject: administrator.person.subject,
        groups_removed: 2,
        request_id: response.headers.get('X-Request-Id'),
        idempotency_key: null,
        deleted_at: expect.any(Number),
        member_state: null,
        group_ids: null,
      },
    ],
  })
  const deletedAt = Number(added['user_deletions']?.[0]?.['deleted_at'])
  expect(deletedAt).toBeGreaterThanOrEqual(startedAt)
  expect(deletedAt).toBeLessThanOrEqual(Date.now())
})

describe('a user can be deleted', () => {
  test.each<[string, MemberOptions]>([
    ['who is suspended here', { state: 'suspended' }],
    ['who is pending here', { state: 'pending' }],
    ['who is suspended on the platform', { personOptions: { state: 'suspended' } }],
    ['who is pending on the platform', { personOptions: { state: 'pending' } }],
    [
      'who is a platform administrator',
      { personOptions: { globalRoles: ['platform-administrator'] } },
    ],
  ])('%s', async (_, options) => {
    let user: Member | undefined
    const { callAs, fixture } = await createHarness({
      seed: (seed, { organizationID, administrators }) =>
        (user = seed.member(organizationID, { groups: [administrators], ...options })),
    })
    const response = await callAs(fixture.administrator, user)
    expect(response.status).toBe(200)
    expect(response.line.groupsRemoved).toBe(1)
  })

  test('by itself, when it has the permission', async () => {
    const { callAs, fixture } = await createHarness()
    expect((await callAs(fixture.administrator, fixture.administrator)).status).toBe(200)
    expect((await callAs(fixture.administrator)).status).toBe(403)
  })
})

describe('with RECORD_GROUPS the record holds what the user had', () => {
  const ODD_IDS = ['', '"\\', '\n\u0001\u0000\u007f', '\u2028😀', 'é', '[1]', 'null']

  test.each<[string, State, readonly string[]]>([
    ['an active user in no group', 'active', []],
    ['a pending user in forty groups', 'pending', Array.from({ length: 40 }, (_, i) => `g${i}`)],
    ['a suspended user in groups with odd IDs', 'suspended', ODD_IDS],
  ])('%s', async (_, state, names) => {
    let user: Member | undefined
    let groups: string[] = []
    const { callAs, fixture } = await createHarness({
      vars: { RECORD_GROUPS: 'true' },
      seed(seed, { organizationID }) {
        groups = names.map((name) => seed.group(organizationID, [], name + organizationID))
        user = seed.member(organizationID, { state, groups })
      },
    })
    expect((await callAs(fixture.administrator, user)).status).toBe(200)
    const { member_state, group_ids, groups_removed } = await readRecord(fixture)
    expect(member_state).toBe(state)
    expect(new Set(JSON.parse(String(group_ids)))).toEqual(new Set(groups))
    expect(groups_removed).toBe(groups.length)
  })
})

test('a person who is invited again has a new record, no groups and no permission of before', async () => {
  const { callAs, fixture } = await createHarness()
  const { administrator, organizationID, serviceAccount } = fixture
  await callAs(serviceAccount, administrator)
  await env.DB.prepare('INSERT INTO organization_users VALUES (?, ?, ?, ?)')
    .bind(`${administrator.userID}-again`, organizationID, administrator.person.id, 'active')
    .run()
  expect((await callAs(administrator)).status).toBe(403)
})

test('of twenty calls at once exactly one deletes', async () => {
  const harness = await createHarness()
  const calls = Array.from({ length: 20 }, () => harness.callAs(harness.fixture.administrator))
  const statuses = (await Promise.all(calls)).map(({ status }) => status)
  expect(statuses.filter((status) => status === 200)).toHaveLength(1)
  expect(statuses.filter((status) => status === 404)).toHaveLength(19)
  const { results } = await env.DB.prepare('SELECT * FROM user_deletions WHERE organization_id = ?')
    .bind(harness.fixture.organizationID)
    .all()
  expect(results).toHaveLength(1)
})

async function readRecord(fixture: Fixture): Promise<Record<string, unknown>> {
  const record = await env.DB.prepare('SELECT * FROM user_deletions WHERE organization_id = ?')
    .bind(fixture.organizationID)
    .first()
  return record ?? {}
}
