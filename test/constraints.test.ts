/**
 * What the tables refuse, and what goes along when other writers delete: the rules that hold whoever writes.
 */
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test } from 'vitest'
import { compare, readDatabase } from './support/database'
import { createWorld, type World } from './support/world'

let world: World

beforeEach(async () => {
  world = await createWorld(env.DB)
})

async function run(sql: string, ...values: unknown[]): Promise<unknown> {
  return env.DB.prepare(sql)
    .bind(...values)
    .run()
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

function recordDeletion(changes: object): Promise<unknown> {
  const row = { ...DELETION, id: fresh(), ...changes }
  const names = Object.keys(row)
  const marks = names.map(() => '?')
  return run(
    `INSERT INTO user_deletions (${names.join()}) VALUES (${marks.join()})`,
    ...Object.values(row),
  )
}

describe('a value that is none of the allowed ones is refused', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['users.state', () => run('INSERT INTO users VALUES (?, ?, ?)', fresh(), fresh(), 'deleted')],
    [
      'users.state in another letter case',
      () => run('INSERT INTO users VALUES (?, ?, ?)', fresh(), fresh(), 'Active'),
    ],
    [
      'organization_users.state',
      () => run('UPDATE organization_users SET state = ? WHERE id = ?', '', world.plain.userID),
    ],
    [
      'role_permissions.scope',
      () => run('INSERT INTO role_permissions VALUES (?, ?, ?, ?)', 'user', 'all', 'e', 'read'),
    ],
    [
      'role_permissions.operation',
      () =>
        run('INSERT INTO role_permissions VALUES (?, ?, ?, ?)', 'user', 'project', 'e', 'write'),
    ],
    ['user_deletions.actor_kind', () => recordDeletion({ actor_kind: 'group' })],
  ])('%s', async (_, write) => {
    await expect(write()).rejects.toThrow('CHECK constraint failed')
  })

  test.each(['active', 'pending', 'suspended'])('the state %s is one', async (state) => {
    await run('INSERT INTO users VALUES (?, ?, ?)', fresh(), fresh(), state)
    await run('UPDATE organization_users SET state = ? WHERE id = ?', state, world.plain.userID)
    const { results } = await env.DB.prepare('SELECT state FROM organization_users WHERE id = ?')
      .bind(world.plain.userID)
      .all()
    expect(results).toEqual([{ state }])
  })
})

test('a column holds its type and no other', async () => {
  await expect(recordDeletion({ groups_removed: 'two' })).rejects.toThrow('cannot store TEXT')
  await expect(recordDeletion({ deleted_at: 1.5 })).rejects.toThrow('cannot store REAL')
})

test.each(Object.keys(DELETION).filter((name) => name !== 'idempotency_key'))(
  'user_deletions.%s may not be null',
  async (name) => {
    await expect(recordDeletion({ [name]: null })).rejects.toThrow('NOT NULL constraint failed')
  },
)

describe('what may be there once only', () => {
  test('a subject', async () => {
    const { subject } = world.plain.person
    await expect(
      run('INSERT INTO users VALUES (?, ?, ?)', fresh(), subject, 'active'),
    ).rejects.toThrow('UNIQUE constraint failed: users.subject')
  })

  test('a person in an organization', async () => {
    const { organizationID, person } = world.plain
    await expect(
      run(
        'INSERT INTO organization_users (id, organization_id, user_id, state) VALUES (?, ?, ?, ?)',
        fresh(),
        organizationID,
        person.id,
        'active',
      ),
    ).rejects.toThrow('UNIQUE constraint failed')
  })

  test('a member in a group', async () => {
    await expect(
      run(
        'INSERT INTO group_members (organization_id, group_id, organization_user_id) VALUES (?, ?, ?)',
        world.organizationID,
        world.auditors,
        world.auditor.userID,
      ),
    ).rejects.toThrow('UNIQUE constraint failed')
  })

  test('a service account in a group', async () => {
    await expect(
      run(
        'INSERT INTO group_service_accounts (organization_id, group_id, service_account_id) VALUES (?, ?, ?)',
        world.organizationID,
        world.administrators,
        world.serviceAccount,
      ),
    ).rejects.toThrow('UNIQUE constraint failed')
  })

  test('the name of a role', async () => {
    await expect(
      run('INSERT INTO roles (id, name) VALUES (?, ?)', fresh(), 'administrator'),
    ).rejects.toThrow('UNIQUE constraint failed: roles.name')
  })

  test('an idempotency key of one actor, organization and user', async () => {
    const key = { idempotency_key: fresh() }
    await recordDeletion(key)
    await expect(recordDeletion(key)).rejects.toThrow('UNIQUE constraint failed')
    await recordDeletion({ ...key, actor_subject: 'another' })
    await recordDeletion({ ...key, organization_id: 'another' })
    await recordDeletion({ ...key, organization_user_id: 'another' })
    await recordDeletion({})
    await recordDeletion({})
  })
})

describe('an orphan cannot exist', () => {
  const MEMBER =
    'INSERT INTO group_members (organization_id, group_id, organization_user_id) VALUES (?, ?, ?)'
  const ACCOUNT =
    'INSERT INTO group_service_accounts (organization_id, group_id, service_account_id) VALUES (?, ?, ?)'
  const USER =
    'INSERT INTO organization_users (id, organization_id, user_id, state) VALUES (?, ?, ?, ?)'

  test.each<[string, () => Promise<unknown>]>([
    [
      'a user of no organization',
      () => run(USER, fresh(), 'none', world.plain.person.id, 'active'),
    ],
    ['a user who is nobody', () => run(USER, fresh(), world.organizationID, 'none', 'active')],
    [
      'a group of no organization',
      () =>
        run('INSERT INTO groups (id, organization_id, name) VALUES (?, ?, ?)', fresh(), 'x', 'x'),
    ],
    [
      'a service account of no organization',
      () =>
        run(
          'INSERT INTO service_accounts (id, organization_id, name) VALUES (?, ?, ?)',
          fresh(),
          'x',
          'x',
        ),
    ],
    ['a member of no group', () => run(MEMBER, world.organizationID, 'none', world.plain.userID)],
    ['a member who is nobody', () => run(MEMBER, world.organizationID, world.auditors, 'none')],
    [
      'a member of another organization’s group',
      () => run(MEMBER, world.organizationID, world.auditors, world.otherAdministrator.userID),
    ],
    [
      'the same, said to be of the other organization',
      () => run(MEMBER, world.otherOrganizationID, world.auditors, world.otherAdministrator.userID),
    ],
    [
      'a service account in another organization’s group',
      async () => {
        await run(
          'INSERT INTO service_accounts (id, organization_id, name) VALUES (?, ?, ?)',
          'foreign',
          world.otherOrganizationID,
          'x',
        )
        return run(ACCOUNT, world.organizationID, world.auditors, 'foreign')
      },
    ],
    [
      'a group with no role',
      () =>
        run('INSERT INTO group_roles (group_id, role_id) VALUES (?, ?)', world.auditors, 'none'),
    ],
    [
      'a role of no group',
      () => run('INSERT INTO group_roles (group_id, role_id) VALUES (?, ?)', 'none', 'auditor'),
    ],
    [
      'a permission of no role',
      () => run('INSERT INTO role_permissions VALUES (?, ?, ?, ?)', 'none', 'global', 'e', 'read'),
    ],
    [
      'a global role of nobody',
      () =>
        run('INSERT INTO global_role_bindings (user_id, role_id) VALUES (?, ?)', 'none', 'auditor'),
    ],
  ])('%s', async (_, write) => {
    await expect(write()).rejects.toThrow('FOREIGN KEY constraint failed')
  })
})

/** How many rows of which tables a statement removes; it must not add any. */
async function countRemoved(sql: string, ...values: unknown[]): Promise<Record<string, number>> {
  const before = await readDatabase(env.DB)
  await run(sql, ...values)
  const { removed, added } = compare(before, await readDatabase(env.DB))
  expect(added).toEqual({})
  return Object.fromEntries(Object.entries(removed).map(([table, rows]) => [table, rows.length]))
}

describe('deleting takes along what is its own and nothing else', () => {
  test('an organization user: its memberships', async () => {
    expect(
      await countRemoved('DELETE FROM organization_users WHERE id = ?', world.target.userID),
    ).toEqual({ organization_users: 1, group_members: 2 })
  })

  test('a group: its members, service accounts and roles', async () => {
    expect(await countRemoved('DELETE FROM groups WHERE id = ?', world.administrators)).toEqual({
      groups: 1,
      group_members: 1,
      group_service_accounts: 1,
      group_roles: 1,
    })
  })

  test('a service account: its groups', async () => {
    expect(
      await countRemoved('DELETE FROM service_accounts WHERE id = ?', world.serviceAccount),
    ).toEqual({ service_accounts: 1, group_service_accounts: 1 })
  })

  test('an organization: all that is its own, and no record of a deletion', async () => {
    await recordDeletion({ organization_id: world.organizationID })
    expect(
      await countRemoved('DELETE FROM organizations WHERE id = ?', world.organizationID),
    ).toEqual({
      organizations: 1,
      organization_users: 4,
      groups: 3,
      group_members: 4,
      group_roles: 4,
      service_accounts: 1,
      group_service_accounts: 1,
    })
  })

  test('a role that nobody uses: its permissions', async () => {
    await run('INSERT INTO roles (id, name) VALUES (?, ?)', 'unused', 'unused')
    await run('INSERT INTO role_permissions VALUES (?, ?, ?, ?)', 'unused', 'global', 'e', 'read')
    expect(await countRemoved('DELETE FROM roles WHERE id = ?', 'unused')).toEqual({
      roles: 1,
      role_permissions: 1,
    })
  })

  test('a person who is a member nowhere: the global roles', async () => {
    expect(
      await countRemoved('DELETE FROM users WHERE id = ?', world.platformAdministrator.id),
    ).toEqual({ users: 1, global_role_bindings: 1 })
  })
})

describe('what is in use cannot be deleted', () => {
  test.each<[string, string, () => string]>([
    ['a role of a group', 'DELETE FROM roles WHERE id = ?', () => 'administrator'],
    [
      'a role bound at global scope',
      'DELETE FROM roles WHERE id = ?',
      () => 'platform-administrator',
    ],
    ['a person who is a member', 'DELETE FROM users WHERE id = ?', () => world.plain.person.id],
  ])('%s', async (_, sql, value) => {
    await expect(run(sql, value())).rejects.toThrow('FOREIGN KEY constraint failed')
  })
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

test('the built-in roles have stable IDs and the permissions that their names promise', async () => {
  const { results } = await env.DB.prepare(
    `SELECT roles.id, roles.name, group_concat(scope || ' ' || endpoint || ' ' || operation) AS permissions
     FROM roles LEFT JOIN role_permissions ON role_id = id
     WHERE id NOT LIKE 'unused' GROUP BY id ORDER BY id`,
  ).all<{ id: string; name: string; permissions: string | null }>()
  const permissions = results.map((role) => [
    role.id,
    role.name,
    role.permissions?.split(',').toSorted() ?? [],
  ])
  const all = ['create', 'delete', 'read', 'update']
  expect(permissions).toEqual([
    ['administrator', 'administrator', all.map((name) => `organization identity:users ${name}`)],
    ['auditor', 'auditor', ['organization identity:users read']],
    [
      'platform-administrator',
      'platform-administrator',
      all.map((name) => `global identity:users ${name}`),
    ],
    ['reader', 'reader', []],
    ['user', 'user', []],
  ])
})
