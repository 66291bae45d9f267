/**
 * What the tables refuse, and what goes along when other writers delete: the rules that hold whoever writes.
 */
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test } from 'vitest'
import { compare, readDatabase } from './support/database'
import { createSeed, type Seed } from '../dev/seeder.ts'
import { createFixture, type Fixture } from './support/fixture'

let fixture: Fixture

beforeEach(async () => {
  fixture = await createFixture(env.DB, (seed, { organizationID, otherOrganizationID }) => {
    seed.serviceAccount(otherOrganizationID, [], `foreign-${organizationID}`)
  })
})

async function run(sql: string, ...values: unknown[]): Promise<D1Result> {
  return env.DB.prepare(sql)
    .bind(...values)
    .run()
}

async function insert(table: string, values: Row): Promise<void> {
  const seed = createSeed()
  seed.row(table, values)
  await seed.save(env.DB)
}

const fresh = (): string => crypto.randomUUID()
const DELETION = {
  id: 'id',
  organization_id: 'o',
  organization_user_id: 'u',
  user_id: 'p',
  actor_kind: 'user',
  actor_subject: 's',
  groups_removed: 0,
  request_id: 'r',
  idempotency_key: null,
  deleted_at: 1,
}

const recordDeletion = (changes: Row) =>
  insert('user_deletions', { ...DELETION, id: fresh(), ...changes })

type Row = Parameters<Seed['row']>[1]

/** A row of each table, which is valid or repeats one of the fixture. */
const rowOf = (fixture: Fixture): Readonly<Record<string, Row>> => {
  const { organizationID: organization_id } = fixture
  const named = { id: fresh(), organization_id, name: 'administrator' }
  return {
    users: { id: fresh(), subject: fresh(), state: 'active' },
    organization_users: {
      id: fresh(),
      organization_id,
      user_id: fixture.plain.person.id,
      state: 'active',
    },
    groups: named,
    service_accounts: named,
    group_members: {
      organization_id,
      group_id: fixture.auditors,
      organization_user_id: fixture.auditor.userID,
    },
    group_service_accounts: {
      organization_id,
      group_id: fixture.administrators,
      service_account_id: fixture.serviceAccount,
    },
    roles: { id: fresh(), name: 'administrator' },
    group_roles: { group_id: fixture.auditors, role_id: 'auditor' },
    role_permissions: { role_id: 'user', scope: 'project', endpoint: 'e', operation: 'read' },
    global_role_bindings: { user_id: 'none', role_id: 'auditor' },
  }
}

type Refused = [title: string, table: string, changes: Row | ((fixture: Fixture) => Row)]

describe.each<[constraint: string, rows: Refused[]]>([
  [
    'CHECK',
    [
      ['another state of a person', 'users', { state: 'deleted' }],
      ['a state in another letter case', 'users', { state: 'Active' }],
      ['an empty state', 'organization_users', { state: '' }],
      ['another scope', 'role_permissions', { scope: 'all' }],
      ['another operation', 'role_permissions', { operation: 'write' }],
    ],
  ],
  [
    'UNIQUE',
    [
      ['a subject', 'users', ({ plain }) => ({ subject: plain.person.subject })],
      ['a person in an organization', 'organization_users', {}],
      ['a member in a group', 'group_members', {}],
      ['a service account in a group', 'group_service_accounts', {}],
      ['the name of a role', 'roles', {}],
    ],
  ],
  [
    'FOREIGN KEY',
    [
      ['a user of no organization', 'organization_users', { organization_id: 'none' }],
      ['a user without a person', 'organization_users', { user_id: 'none' }],
      ['a group of no organization', 'groups', { organization_id: 'none' }],
      ['a service account of no organization', 'service_accounts', { organization_id: 'none' }],
      ['a member of no group', 'group_members', { group_id: 'none' }],
      ['an absent member', 'group_members', { organization_user_id: 'none' }],
      [
        "a member of another organization's group",
        'group_members',
        ({ otherAdministrator }) => ({ organization_user_id: otherAdministrator.userID }),
      ],
      [
        'the same, with the ID of the other organization',
        'group_members',
        ({ otherAdministrator: { organizationID, userID } }) => {
          return { organization_id: organizationID, organization_user_id: userID }
        },
      ],
      [
        "a service account in another organization's group",
        'group_service_accounts',
        ({ organizationID }) => ({ service_account_id: `foreign-${organizationID}` }),
      ],
      ['a group with no role', 'group_roles', { role_id: 'none' }],
      ['a role of no group', 'group_roles', { group_id: 'none' }],
      ['a permission of no role', 'role_permissions', { role_id: 'none' }],
      ['a global role of no person', 'global_role_bindings', {}],
    ],
  ],
])('the constraint %s refuses', (constraint, rows) => {
  test.each(rows)('%s', async (_, table, changes) => {
    const changed = typeof changes === 'function' ? changes(fixture) : changes
    const row = { ...rowOf(fixture)[table], ...changed }
    await expect(insert(table, row)).rejects.toThrow(`${constraint} constraint failed`)
  })
})

test.each<[message: string, change: Row]>([
  ['CHECK constraint failed', { actor_kind: 'group' }],
  ['cannot store TEXT', { groups_removed: 'two' }],
  ['cannot store REAL', { deleted_at: 1.5 }],
  ...Object.keys(DELETION)
    .filter((name) => name !== 'idempotency_key')
    .map((name): [string, Row] => ['NOT NULL constraint failed', { [name]: null }]),
])('%s: a deletion record with %j is refused', async (message, change) => {
  await expect(recordDeletion(change)).rejects.toThrow(message)
})

test('an idempotency key is unique for one actor, organization and user', async () => {
  const key = { idempotency_key: fresh() }
  await recordDeletion(key)
  await expect(recordDeletion(key)).rejects.toThrow('UNIQUE constraint failed')
  await recordDeletion({ ...key, actor_subject: 'another' })
  await recordDeletion({ ...key, organization_id: 'another' })
  await recordDeletion({ ...key, organization_user_id: 'another' })
  await recordDeletion({})
  await recordDeletion({})
})

/** How many rows of which tables a statement removes; it must not add any. */
async function countRemoved(sql: string, ...values: unknown[]): Promise<Record<string, number>> {
  const before = await readDatabase(env.DB)
  await run(sql, ...values)
  const { removed, added } = compare(before, await readDatabase(env.DB))
  expect(added).toEqual({})
  return Object.fromEntries(Object.entries(removed).map(([table, rows]) => [table, rows.length]))
}

test.each(['active', 'pending', 'suspended'])('%s is a state', async (state) => {
  await insert('users', { ...rowOf(fixture)['users'], state })
  await run('UPDATE organization_users SET state = ? WHERE id = ?', state, fixture.plain.userID)
  const found = env.DB.prepare('SELECT state FROM organization_users WHERE id = ?')
  expect(await found.bind(fixture.plain.userID).first('state')).toBe(state)
})

describe('deleting takes along what is its own and nothing else', () => {
  test.each<[table: string, id: (fixture: Fixture) => string, removed: Record<string, number>]>([
    [
      'organization_users',
      ({ target }) => target.userID,
      { organization_users: 1, group_members: 2 },
    ],
    [
      'groups',
      ({ administrators }) => administrators,
      { groups: 1, group_members: 1, group_service_accounts: 1, group_roles: 1 },
    ],
    [
      'service_accounts',
      ({ serviceAccount }) => serviceAccount,
      { service_accounts: 1, group_service_accounts: 1 },
    ],
    [
      'organizations',
      ({ organizationID }) => organizationID,
      {
        organizations: 1,
        organization_users: 4,
        groups: 3,
        group_members: 4,
        group_roles: 4,
        service_accounts: 1,
        group_service_accounts: 1,
      },
    ],
    ['roles', () => 'unused', { roles: 1, role_permissions: 1 }],
    [
      'users',
      ({ platformAdministrator }) => platformAdministrator.id,
      { users: 1, global_role_bindings: 1 },
    ],
  ])('%s', async (table, id, removed) => {
    await recordDeletion({ organization_id: fixture.organizationID })
    await run("INSERT OR IGNORE INTO roles (id, name) VALUES ('unused', 'unused')")
    await run("INSERT OR IGNORE INTO role_permissions VALUES ('unused', 'global', 'e', 'read')")
    expect(await countRemoved(`DELETE FROM ${table} WHERE id = ?`, id(fixture))).toEqual(removed)
  })
})

test.each<[string, string, () => string]>([
  ['a role of a group', 'roles', () => 'administrator'],
  ['a role bound at global scope', 'roles', () => 'platform-administrator'],
  ['a person who is a member', 'users', () => fixture.plain.person.id],
])('what is in use cannot be deleted: %s', async (_, table, id) => {
  const deletion = run(`DELETE FROM ${table} WHERE id = ?`, id())
  await expect(deletion).rejects.toThrow('FOREIGN KEY constraint failed')
})

test('IDs are compared byte for byte: letter case and spelling make another one', async () => {
  const ids = ['org-É', 'org-é', 'org-e\u0301', 'ORG-É', 'org-É ']
  for (const id of ids) await run('INSERT INTO organizations (id, name) VALUES (?, ?)', id, id)
  for (const id of ids) {
    const { results } = await env.DB.prepare('SELECT name FROM organizations WHERE id = ?')
      .bind(id)
      .all()
    expect(results).toEqual([{ name: id }])
  }
})
