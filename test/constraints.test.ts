/**
 * The rules of the tables that hold for every writer. test/schema.test.ts compares all of them with the Drizzle schema,
 * test/operations/data-model.test.ts with the documentation.
 */
import { env } from 'cloudflare:workers'
import { beforeAll, expect, test } from 'vitest'
import { compare, readDatabase } from './support/database'
import { createSeed, type Seed } from '../dev/seeder.ts'
import { createFixture, type Fixture } from './support/fixture'

const run = (sql: string, ...values: unknown[]) =>
  env.DB.prepare(sql)
    .bind(...values)
    .run()

function record(values: Parameters<Seed['deletion']>[0]): Promise<void> {
  const seed = createSeed()
  seed.deletion(values)
  return seed.save(env.DB)
}

beforeAll(async () => {
  await createFixture(env.DB, (seed, { otherOrganizationID }) => {
    seed.serviceAccount(otherOrganizationID)
    seed.deletion()
  })
})

test.each([
  ['a state in another letter case', 'CHECK', "UPDATE users SET state = 'Active'"],
  ['two people with one subject', 'UNIQUE', "UPDATE users SET subject = 'same'"],
  [
    'a person twice in an organization',
    'UNIQUE',
    `INSERT INTO organization_users
      SELECT id || 'x', organization_id, user_id, state FROM organization_users`,
  ],
  [
    'a service account of no organization',
    'FOREIGN KEY',
    "INSERT INTO service_accounts VALUES ('a', 'none', 'A')",
  ],
  [
    "a member of another organization's group",
    'FOREIGN KEY',
    `INSERT INTO group_members SELECT g.organization_id, g.id, u.id
      FROM groups g, organization_users u WHERE u.organization_id <> g.organization_id`,
  ],
  [
    "a member of another organization's group, with the member's organization",
    'FOREIGN KEY',
    `INSERT INTO group_members SELECT u.organization_id, g.id, u.id
      FROM groups g, organization_users u WHERE u.organization_id <> g.organization_id`,
  ],
  [
    "a service account in another organization's group",
    'FOREIGN KEY',
    `INSERT INTO group_service_accounts SELECT g.organization_id, g.id, a.id
      FROM groups g, service_accounts a WHERE a.organization_id <> g.organization_id`,
  ],
  ['to delete a role of a group', 'FOREIGN KEY', "DELETE FROM roles WHERE id = 'administrator'"],
  ['to delete a bound role', 'FOREIGN KEY', "DELETE FROM roles WHERE id LIKE 'platform%'"],
  ['to delete people who are members', 'FOREIGN KEY', 'DELETE FROM users'],
  ['a text as a number', 'cannot store TEXT', "UPDATE user_deletions SET groups_removed = 'two'"],
  ['null', 'NOT NULL', 'UPDATE user_deletions SET request_id = NULL'],
])('rejects %s: %s', async (_, constraint, sql) => {
  await expect(run(sql)).rejects.toThrow(constraint)
})

test('takes an idempotency key once for each actor, organization and user', async () => {
  const idempotency_key = 'key'
  await record({ idempotency_key })
  await expect(record({ idempotency_key })).rejects.toThrow('UNIQUE constraint failed')
  for (const column of ['actor_subject', 'organization_id', 'organization_user_id']) {
    await record({ idempotency_key, [column]: 'another' })
  }
  await record({})
  await record({})
})

test.each<[table: string, id: (fixture: Fixture) => string, others: Record<string, number>]>([
  ['organization_users', ({ target }) => target.userID, { group_members: 2 }],
  [
    'groups',
    ({ administrators }) => administrators,
    { group_members: 1, group_service_accounts: 1, group_roles: 1 },
  ],
  ['service_accounts', ({ serviceAccount }) => serviceAccount, { group_service_accounts: 1 }],
  [
    'organizations',
    ({ organizationID }) => organizationID,
    {
      organization_users: 4,
      groups: 3,
      group_members: 4,
      group_roles: 4,
      service_accounts: 1,
      group_service_accounts: 1,
    },
  ],
  ['roles', ({ organizationID }) => `role-${organizationID}`, { role_permissions: 1 }],
  ['users', ({ platformAdministrator }) => platformAdministrator.id, { global_role_bindings: 1 }],
])('deletes with a row of %s what belongs to it, and nothing else', async (table, id, others) => {
  const fixture = await createFixture(env.DB, (seed, { organizationID }) => {
    const role_id = `role-${organizationID}`
    seed.row('roles', { id: role_id, name: role_id })
    seed.row('role_permissions', { role_id, scope: 'global', endpoint: 'e', operation: 'read' })
    seed.deletion({ organization_id: organizationID })
  })
  const before = await readDatabase(env.DB)
  await run(`DELETE FROM ${table} WHERE id = ?`, id(fixture))
  const difference = compare(before, await readDatabase(env.DB))
  const counts = Object.entries(difference.removed).map(([name, rows]) => [name, rows.length])
  expect([Object.fromEntries(counts), difference.added]).toEqual([{ [table]: 1, ...others }, {}])
})

test('compares IDs byte for byte: letter case and spelling make another ID', async () => {
  const ids = ['org-É', 'org-é', 'org-e\u0301', 'ORG-É', 'org-É ']
  for (const id of ids) await run('INSERT INTO organizations (id, name) VALUES (?1, ?1)', id)
  for (const id of ids) {
    const { results } = await run('SELECT name FROM organizations WHERE id = ?', id)
    expect(results).toEqual([{ name: id }])
  }
})
