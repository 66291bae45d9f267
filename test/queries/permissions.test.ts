/**
 * The compiled statements of a deletion against a model of the rules: random data, random calls, the real tables. IDs of
 * all kinds are the same few letters, so a join by the wrong column finds a row.
 *
 * FUZZ_SEED selects other data. A difference is printed with the smallest data and the fewest calls that show it.
 */
import {
  array,
  assert,
  boolean,
  constant,
  constantFrom,
  oneof,
  option,
  property,
  record,
  subarray,
  tuple,
  uniqueArray,
  type Arbitrary,
} from 'fast-check'
import { expect, test } from 'vitest'
import { createDatabase, type Row } from './database'
import { decide, remove, type Data } from './permission-model'

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_125)
const RUNS = 5_000
const OUTCOMES = [
  'caller_pending',
  'caller_suspended',
  'caller_unknown',
  'deleted',
  'deleted by leaving',
  'last_administrator',
  'not_permitted',
  'user_not_found',
]

/** Draws the first value five times as often as all others together. */
function mostly<T>(first: T, ...others: T[]): Arbitrary<T> {
  return oneof({ weight: 5, arbitrary: constant(first) }, constantFrom(...others))
}

const oneOf = (letters: string): Arbitrary<string> => constantFrom(...letters.split(''))

/** Draws a list without some of the items: each is missing once in `freq` times. */
function some<T>(freq: number, items: readonly Arbitrary<T>[]): Arbitrary<T[]> {
  return tuple(...items.map((item) => option(item, { freq }))).map((drawn) =>
    drawn.filter((item) => item !== null),
  )
}

const roleIDs = subarray(['a', 'b', 'c'])
const permissions = (...choices: string[]) =>
  uniqueArray(constantFrom(...choices), { minLength: 1, maxLength: 2 })

const state = mostly('active' as const, 'pending' as const, 'suspended' as const)

const person = (id: string, subject: string) =>
  record({ id: constant(id), subject: constant(subject), state, globalRoles: roleIDs })

function organization(
  id: string,
  groupIDs: string[],
  userIDs: string[],
  accountID: Arbitrary<string>,
) {
  const groups = subarray(groupIDs)
  const members = userIDs.map((userID, index) =>
    record({ id: constant(userID), personID: constant('abcd'.charAt(index)), state, groups }),
  )
  return record({
    id: constant(id),
    groups: record(Object.fromEntries(groupIDs.map((group) => [group, roleIDs]))),
    members: some(3, members),
    serviceAccounts: some(4, [record({ id: accountID, groups })]),
  })
}

/** The subjects `b` and `d` can name a service account too. */
const data: Arbitrary<Data> = record({
  roles: record({
    a: permissions('organization identity:users delete'),
    b: permissions(
      'project identity:users delete',
      'organization identity:groups delete',
      'organization identity:users update',
      'organization identity:users:x delete',
      'organization Identity:Users delete',
    ),
    c: permissions(
      'global identity:users delete',
      'global identity:groups delete',
      'global identity:users update',
    ),
  }),
  people: tuple(person('a', 'b'), person('b', 'c'), person('c', 'd'), person('d', 'a')),
  organizations: tuple(
    organization('a', ['a', 'b'], ['b', 'c', 'd', 'a'], mostly('e', 'd')),
    organization('b', ['c', 'd'], ['e', 'f', 'g', 'h'], mostly('f', 'b')),
  ),
})

/** Most calls name a place where a user can be. */
const organizationAndUser = oneof(
  { weight: 2, arbitrary: tuple(constant('a'), oneOf('abcd')) },
  { weight: 2, arbitrary: tuple(constant('b'), oneOf('efgh')) },
  { weight: 1, arbitrary: tuple(oneOf('abc'), oneOf('abcdefgh')) },
)

const calls = array(
  record({
    subject: oneOf('abcdeeff'),
    organizationAndUser,
    settings: record({
      keepLastAdministrator: mostly(true, false),
      membersMayLeave: boolean(),
    }),
  }).map(({ subject, organizationAndUser: [organizationID, userID], settings }) => ({
    call: { subject, organizationID, userID },
    settings,
  })),
  { minLength: 1, maxLength: 10, size: 'max' },
)

const { run, exec, insert, callBatch } = createDatabase()

function insertAll({ roles, people, organizations }: Data): void {
  for (const [id, permissions] of Object.entries(roles)) {
    insert('roles', { id, name: id })
    for (const permission of permissions) {
      const [scope = '', endpoint = '', operation = ''] = permission.split(' ')
      insert('role_permissions', { role_id: id, scope, endpoint, operation })
    }
  }
  for (const { id, subject, state, globalRoles } of people) {
    insert('users', { id, subject, state })
    for (const role_id of globalRoles) insert('global_role_bindings', { user_id: id, role_id })
  }
  for (const { id: organization_id, groups, members, serviceAccounts } of organizations) {
    insert('organizations', { id: organization_id, name: organization_id })
    for (const [id, roleIDs] of Object.entries(groups)) {
      insert('groups', { id, organization_id, name: id })
      for (const role_id of roleIDs) insert('group_roles', { group_id: id, role_id })
    }
    for (const { id, personID, state, groups } of members) {
      insert('organization_users', { id, organization_id, user_id: personID, state })
      for (const group_id of groups) {
        insert('group_members', { organization_id, group_id, organization_user_id: id })
      }
    }
    for (const { id, groups } of serviceAccounts) {
      insert('service_accounts', { id, organization_id, name: id })
      for (const group_id of groups) {
        insert('group_service_accounts', { organization_id, group_id, service_account_id: id })
      }
    }
  }
}

function readMembers(): Row[] {
  return run(`SELECT id, (SELECT group_concat(group_id, '') FROM group_members
    WHERE organization_user_id = id) AS groups FROM organization_users ORDER BY id`)
}

function listMembers({ organizations }: Data): Row[] {
  const members = organizations.flatMap(({ members }) => members)
  return members
    .map(({ id, groups }) => ({ id, groups: groups.join('') || null }))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

test('permits, refuses and deletes what the model does', () => {
  const seen: Record<string, number> = {}
  const agrees = property(data, calls, (data, calls) => {
    exec('BEGIN')
    try {
      insertAll(data)
      let expected = data
      for (const [deletedAt, { call, settings }] of calls.entries()) {
        const decision = decide(expected, call, settings)
        const deletion = { ...call, ...settings, deletionID: `deletion-${deletedAt}`, deletedAt }
        expect({ call, settings, ...callBatch(deletion) }).toEqual({ call, settings, ...decision })
        const { outcome } = decide(expected, call, { ...settings, membersMayLeave: false })
        const name = outcome === decision.outcome ? outcome : `${decision.outcome} by leaving`
        seen[name] = (seen[name] ?? 0) + 1
        if (decision.outcome === 'deleted') expected = remove(expected, call)
      }
      expect(readMembers()).toEqual(listMembers(expected))
    } finally {
      exec('ROLLBACK')
    }
  })
  assert(agrees, { seed: SEED, numRuns: RUNS })
  const frequent = Object.keys(seen).filter((outcome) => seen[outcome]! >= 100)
  expect(frequent.toSorted()).toEqual(OUTCOMES)
})
