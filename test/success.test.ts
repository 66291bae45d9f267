/**
 * What a deletion does: the response, the rows that go and stay, and the deletion record.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import type { Member, MemberOptions, State } from '../dev/seeder.ts'
import { compare, readDatabase } from './support/database'
import { subjectOf, type Fixture } from './support/fixture'
import { createHarness } from './support/worker/harness'

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

test.each([
  ['administrator', 'user'],
  ['serviceAccount', 'service_account'],
  ['platformAdministrator', 'user'],
] as const)('a %s gets 200 with an empty body, and is recorded as a %s', async (caller, kind) => {
  const { callAs, fixture } = await createHarness()
  const { status, body, headers, line } = await callAs(fixture[caller])
  expect([status, body]).toEqual([200, ''])
  expect([...headers.keys()].toSorted()).toEqual(['cache-control', 'x-request-id'])
  const subject = subjectOf(fixture[caller])
  expect(line.actor).toEqual({ kind, subject })
  expect(await readRecord(fixture)).toMatchObject({ actor_kind: kind, actor_subject: subject })
})

test('changes the user, its memberships and the deletion record alone', async () => {
  const { callAs, fixture } = await createHarness()
  const before = await readDatabase(env.DB)
  const startedAt = Date.now()
  const response = await callAs(fixture.administrator)
  const { removed, added } = compare(before, await readDatabase(env.DB))

  const { organizationID: organization_id, target, auditors, readers } = fixture
  const organization_user_id = target.userID
  const user_id = target.person.id
  expect(removed).toEqual({
    group_members: [auditors, readers].map((group_id) => ({
      organization_id,
      group_id,
      organization_user_id,
    })),
    organization_users: [{ id: target.userID, organization_id, user_id, state: 'active' }],
  })
  expect(added).toEqual({
    user_deletions: [
      {
        id: expect.stringMatching(UUID_V7),
        organization_id,
        organization_user_id,
        user_id,
        actor_kind: 'user',
        actor_subject: fixture.administrator.person.subject,
        groups_removed: 2,
        request_id: response.headers.get('X-Request-Id'),
        idempotency_key: null,
        deleted_at: expect.any(Number),
        member_state: null,
        group_ids: null,
      },
    ],
  })
  const { id, deleted_at } = added['user_deletions']![0]!
  const madeAt = Number.parseInt(String(id).replace('-', '').slice(0, 12), 16)
  const times = [startedAt, madeAt, Number(deleted_at), Date.now()]
  expect(times).toEqual(times.toSorted((a, b) => a - b))
})

describe('deletes a user', () => {
  test.each<[string, MemberOptions]>([
    ['who is suspended here', { state: 'suspended' }],
    ['who is pending here', { state: 'pending' }],
    ['who is suspended on the platform', { personOptions: { state: 'suspended' } }],
    ['who is pending on the platform', { personOptions: { state: 'pending' } }],
    ['with a global role', { personOptions: { globalRoles: ['platform-administrator'] } }],
  ])('%s', async (_, options) => {
    let user: Member | undefined
    const { callAs, fixture } = await createHarness({
      seed: (seed, { organizationID, administrators }) =>
        (user = seed.member(organizationID, { groups: [administrators], ...options })),
    })
    const { status, line } = await callAs(fixture.administrator, user)
    expect([status, line.groupsRemoved]).toEqual([200, 1])
  })

  test('that is the caller itself', async () => {
    const { callAs, fixture } = await createHarness()
    expect((await callAs(fixture.administrator, fixture.administrator)).status).toBe(200)
    expect((await callAs(fixture.administrator)).status).toBe(403)
  })
})

const ODD_IDS = ['', '"\\', '\n\u0001\u0000\u007f', '\u2028😀', 'é', '[1]', 'null']

test.each<[string, State, readonly string[]]>([
  ['an active user in no group', 'active', []],
  ['a pending user in forty groups', 'pending', Array.from({ length: 40 }, (_, i) => `g${i}`)],
  ['a suspended user in groups with odd IDs', 'suspended', ODD_IDS],
])('with RECORD_GROUPS the record has state and groups of %s', async (_, state, names) => {
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
  const record = await readRecord(fixture)
  expect(record).toMatchObject({ member_state: state, groups_removed: groups.length })
  expect(new Set(JSON.parse(String(record?.['group_ids'])))).toEqual(new Set(groups))
})

async function readRecord({ organizationID }: Fixture) {
  const sql = 'SELECT * FROM user_deletions WHERE organization_id = ?'
  return env.DB.prepare(sql).bind(organizationID).first()
}
