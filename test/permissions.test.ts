/**
 * Permission to delete, over HTTP, as data and variables change. test/queries/permissions.test.ts compares random data and
 * calls with a model of all rules; test/success.test.ts has a caller of each kind.
 */
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import type { Member } from '../dev/seeder.ts'
import { createHarness, outcomeOf } from './support/worker/harness'

test.each<[string, string, 'group' | 'user' | 'person', number?]>([
  ['it is not in the group', 'DELETE FROM group_members WHERE organization_user_id = ?', 'user'],
  ['the group has no role', 'DELETE FROM group_roles WHERE group_id = ?', 'group'],
  ['the group is deleted', 'DELETE FROM groups WHERE id = ?', 'group'],
  [
    'its membership is suspended',
    "UPDATE organization_users SET state = 'suspended' WHERE id = ?",
    'user',
  ],
  ['it is suspended', "UPDATE users SET state = 'suspended' WHERE id = ?", 'person', 401],
])('rejects a call of an administrator as soon as %s', async (_, sql, named, status = 403) => {
  const { callAs, fixture } = await createHarness()
  const { administrator, administrators: group, plain } = fixture
  expect((await callAs(administrator)).status).toBe(200)
  const ids = { group, user: administrator.userID, person: administrator.person.id }
  await env.DB.prepare(sql).bind(ids[named]).run()
  expect((await callAs(administrator, plain)).status).toBe(status)
})

test('keeps the last of three administrators who remove themselves at once', async () => {
  const others: Member[] = []
  const { callAs, fixture } = await createHarness({
    vars: { KEEP_LAST_ADMINISTRATOR: 'true' },
    seed(seed, { organizationID, administrators }) {
      const groups = [administrators]
      others.push(...[1, 2].map(() => seed.member(organizationID, { groups })))
    },
  })
  const members = [fixture.administrator, ...others]
  const responses = await Promise.all(members.map((member) => callAs(member, member)))
  const outcomes = responses.map(outcomeOf).toSorted()
  expect(outcomes).toEqual(['200', '200', '403 last_administrator'])
})

test.each([
  ['true', 200],
  ['false', 403],
  [undefined, 403],
])('MEMBERS_MAY_LEAVE %s: a member who deletes itself gets %i', async (value, status) => {
  const { callAs, fixture } = await createHarness({ vars: { MEMBERS_MAY_LEAVE: value } })
  expect((await callAs(fixture.target, fixture.target)).status).toBe(status)
})
