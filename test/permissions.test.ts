/**
 * Who may delete users: every source of the permission, and everything that resembles one. Combinations of them:
 * test/queries/permissions.test.ts.
 */
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { DELETE_USERS, type MemberOptions, type Seed } from '../dev/seeder.ts'
import { createHarness } from './support/worker/harness'
import type { Fixture } from './support/fixture'

/** Adds the caller, whose subject or ID is `me`. */
type AddCaller = (seed: Seed, fixture: Fixture, me: string) => unknown
type Permission = `${string} ${string} ${string}`

/** A member of the organization in a group with these roles; a permission makes a new role. */
function memberWith(roles: readonly string[], options: MemberOptions = {}): AddCaller {
  return (seed, { organizationID }, me) => {
    const groups = [seed.group(organizationID, toRoles(seed, roles))]
    seed.member(organizationID, { groups, ...options, personOptions: { subject: me } })
  }
}

const accountWith =
  (...roles: string[]): AddCaller =>
  (seed, { organizationID }, me) =>
    seed.serviceAccount(organizationID, [seed.group(organizationID, toRoles(seed, roles))], me)

const platformWith =
  (...roles: string[]): AddCaller =>
  (seed, _, me) =>
    seed.person({ subject: me, globalRoles: toRoles(seed, roles) })

const toRoles = (seed: Seed, roles: readonly string[]) =>
  roles.map((role) => (role.includes(' ') ? seed.role([role as Permission]) : role))

async function callAsMe(add: AddCaller) {
  const me = crypto.randomUUID()
  const { callAs } = await createHarness({ seed: (seed, fixture) => void add(seed, fixture, me) })
  return callAs(me)
}

test.each<[string, AddCaller]>([
  ['a member in a group with a role that grants it', memberWith([DELETE_USERS])],
  ['a member whose group has several roles', memberWith(['reader', 'auditor', DELETE_USERS])],
  [
    'a member of several groups',
    (seed, { organizationID, administrators, auditors }, me) =>
      seed.member(organizationID, {
        groups: [auditors, administrators],
        personOptions: { subject: me },
      }),
  ],
  [
    'a member who is suspended in another organization',
    (seed, { organizationID, otherOrganizationID, administrators }, me) => {
      const person = seed.person({ subject: me })
      seed.member(organizationID, { person, groups: [administrators] })
      seed.member(otherOrganizationID, { person, state: 'suspended' })
    },
  ],
  ['a service account in a group with a role that grants it', accountWith(DELETE_USERS)],
  ['a person with a role at global scope', platformWith('global identity:users delete')],
  [
    'a platform administrator who is a suspended member',
    (seed, { organizationID }, me) =>
      seed.member(organizationID, {
        state: 'suspended',
        personOptions: { subject: me, globalRoles: ['platform-administrator'] },
      }),
  ],
])('%s may delete', async (_, add) => {
  expect((await callAsMe(add)).status).toBe(200)
})

test.each<[string, AddCaller]>([
  ['a member in no group', memberWith([], { groups: [] })],
  ['a pending member', memberWith(['administrator'], { state: 'pending' })],
  ['a suspended member', memberWith(['administrator'], { state: 'suspended' })],
  ['a member with another operation', memberWith(['organization identity:users update'])],
  ['a member with the operation on groups', memberWith(['organization identity:groups delete'])],
  ['a member with a longer endpoint', memberWith(['organization identity:users:x delete'])],
  ['a member with another letter case', memberWith(['organization Identity:Users delete'])],
  ['a member with it at project scope', memberWith(['project identity:users delete'])],
  ['a member with it at global scope', memberWith(['global identity:users delete'])],
  ["a member with the platform's role", memberWith(['platform-administrator'])],
  ...['auditor', 'user', 'reader'].map((role): [string, AddCaller] => [
    `a member with the role ${role}`,
    memberWith([role]),
  ]),
  [
    'an administrator of another organization',
    (seed, { organizationID, otherOrganizationID }, me) => {
      const person = seed.person({ subject: me })
      const group = seed.group(otherOrganizationID, ['administrator'])
      seed.member(otherOrganizationID, { person, groups: [group] })
      seed.member(organizationID, { person })
    },
  ],
  [
    'a service account of another organization',
    (seed, { otherOrganizationID }, me) => {
      const group = seed.group(otherOrganizationID, ['administrator'])
      seed.serviceAccount(otherOrganizationID, [group], me)
    },
  ],
  ['a service account without a role', accountWith()],
  ['a service account that may only read', accountWith('auditor')],
  ["a service account with the platform's role", accountWith('platform-administrator')],
  ['a person with it bound globally at organization scope', platformWith(DELETE_USERS)],
  [
    'a person with it bound globally at project scope',
    platformWith('project identity:users delete'),
  ],
  ['a person with another global operation', platformWith('global identity:users read')],
  ["a person with an organization's role bound globally", platformWith('administrator')],
])('%s may not delete', async (_, add) => {
  const response = await callAsMe(add)
  expect(response.status).toBe(403)
  expect(response.line.reason).toBe('not_permitted')
})

test.each<[string, string, (fixture: Fixture) => string, number?]>([
  [
    'the membership of the group is taken away',
    'DELETE FROM group_members WHERE organization_user_id = ?',
    (fixture) => fixture.administrator.userID,
  ],
  [
    'the group loses its role',
    'DELETE FROM group_roles WHERE group_id = ?',
    (fixture) => fixture.administrators,
  ],
  [
    'the membership is suspended',
    "UPDATE organization_users SET state = 'suspended' WHERE id = ?",
    (fixture) => fixture.administrator.userID,
  ],
  ['the group is deleted', 'DELETE FROM groups WHERE id = ?', (fixture) => fixture.administrators],
  [
    'the person is suspended on the platform',
    "UPDATE users SET state = 'suspended' WHERE id = ?",
    (fixture) => fixture.administrator.person.id,
    401,
  ],
])('permission is read at every call: it is gone once %s', async (_, sql, id, status = 403) => {
  const { callAs, fixture } = await createHarness()
  expect((await callAs(fixture.administrator)).status).toBe(200)
  await env.DB.prepare(sql).bind(id(fixture)).run()
  expect((await callAs(fixture.administrator, fixture.plain)).status).toBe(status)
})

test('the roles of the target do not matter', async () => {
  const { callAs, fixture } = await createHarness()
  expect((await callAs(fixture.serviceAccount, fixture.administrator)).status).toBe(200)
})
