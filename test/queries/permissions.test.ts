/**
 * The compiled statements of a deletion against a model of the rules, with random data and calls. All kinds of IDs are the
 * same few letters, so a join by the wrong column finds a row. FUZZ_SEED selects other data. A failure is printed with the
 * smallest data and the fewest calls that show it.
 */
import * as fc from 'fast-check'
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
function mostly<T>(first: T, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof({ weight: 5, arbitrary: fc.constant(first) }, fc.constantFrom(...others))
}

const oneOf = (letters: string): fc.Arbitrary<string> => fc.constantFrom(...letters.split(''))

/** Draws a list without some of the items: each is missing once in `freq` times. */
function some<T>(freq: number, items: readonly fc.Arbitrary<T>[]): fc.Arbitrary<T[]> {
  return fc
    .tuple(...items.map((item) => fc.option(item, { freq })))
    .map((drawn) => drawn.filter((item) => item !== null))
}

const roleIDs = fc.subarray(['a', 'b', 'c'])
const permissions = (...choices: string[]) =>
  fc.uniqueArray(fc.constantFrom(...choices), { minLength: 1, maxLength: 2 })

const state = mostly('active' as const, 'pending' as const, 'suspended' as const)

const person = (id: string, subject: string) =>
  fc.record({ id: fc.constant(id), subject: fc.constant(subject), state, globalRoles: roleIDs })

function organization(
  id: string,
  groupIDs: string[],
  userIDs: string[],
  accountID: fc.Arbitrary<string>,
) {
  const groups = fc.subarray(groupIDs)
  const members = userIDs.map((userID, index) =>
    fc.record({
      id: fc.constant(userID),
      personID: fc.constant('abcd'.charAt(index)),
      state,
      groups,
    }),
  )
  return fc.record({
    id: fc.constant(id),
    groups: fc.record(Object.fromEntries(groupIDs.map((group) => [group, roleIDs]))),
    members: some(3, members),
    serviceAccounts: some(
      4,
      [accountID, fc.constant(`${id}0`)].map((account) => fc.record({ id: account, groups })),
    ),
  })
}

/** The subjects `b` and `d` can name a service account too. */
const data: fc.Arbitrary<Data> = fc.record({
  roles: fc.record({
    a: fc.constant(['organization identity:users delete']),
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
  people: fc.tuple(person('a', 'b'), person('b', 'c'), person('c', 'd'), person('d', 'a')),
  organizations: fc.tuple(
    organization('a', ['a', 'b'], ['b', 'c', 'd', 'a'], mostly('e', 'd')),
    organization('b', ['c', 'd'], ['e', 'f', 'g', 'h'], mostly('f', 'b')),
  ),
})

/** Most calls name a user ID of the organization. */
const organizationAndUser = fc.oneof(
  { weight: 2, arbitrary: fc.tuple(fc.constant('a'), oneOf('abcd')) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('b'), oneOf('efgh')) },
  { weight: 1, arbitrary: fc.tuple(oneOf('abc'), oneOf('abcdefgh')) },
)

const calls = fc.array(
  fc
    .record({
      subject: oneOf('abcdeeff'),
      organizationAndUser,
      settings: fc.record({
        keepLastAdministrator: mostly(true, false),
        membersMayLeave: fc.boolean(),
      }),
    })
    .map(({ subject, organizationAndUser: [organizationID, userID], settings }) => ({
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

function readMembers(): Set<Row> {
  const groups = `(SELECT group_concat(group_id, '') FROM group_members WHERE organization_user_id = id)`
  return new Set(run(`SELECT id, ${groups} AS groups FROM organization_users`))
}

function listMembers({ organizations }: Data): Set<Row> {
  const members = organizations.flatMap(({ members }) => members)
  return new Set(members.map(({ id, groups }) => ({ id, groups: groups.join('') || null })))
}

test('permits, refuses and deletes what the model does', () => {
  const seen: Record<string, number> = {}
  const agrees = fc.property(data, calls, (data, calls) => {
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
  fc.assert(agrees, { seed: SEED, numRuns: RUNS })
  const frequent = Object.keys(seen).filter((outcome) => seen[outcome]! >= 100)
  expect(frequent.toSorted()).toEqual(OUTCOMES)
})
