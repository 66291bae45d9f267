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
import {
  decide,
  remove,
  type Call,
  type Data,
  type Member,
  type Settings,
} from './permission-model'

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_125)
const RUNS = 5_000
const OUTCOMES = [
  'caller_pending',
  'caller_suspended',
  'caller_unknown',
  'deleted',
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

/** The row that the batch of one call reports. */
function callDatabase(call: Call, settings: Settings, deletedAt: number): Row {
  return callBatch({ ...call, ...settings, deletionID: `deletion-${deletedAt}`, deletedAt })
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

test('permits, refuses and deletes what the model of the rules does', () => {
  const seen: Record<string, number> = {}
  const agrees = property(data, calls, (data, calls) => {
    exec('BEGIN')
    try {
      insertAll(data)
      let expected = data
      for (const [index, { call, settings }] of calls.entries()) {
        const decision = decide(expected, call, settings)
        const reported = callDatabase(call, settings, index)
        expect({ call, settings, ...reported }).toEqual({ call, settings, ...decision })
        if (decision.outcome === 'deleted') expected = remove(expected, call)
        seen[decision.outcome] = (seen[decision.outcome] ?? 0) + 1
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

const STATES = ['active', 'pending', 'suspended'] as const
const OFF_ON = [false, true]

/** Every combination of one value of each list. */
function combine<T extends Readonly<Record<string, readonly unknown[]>>>(lists: T) {
  let rows: object[] = [{}]
  for (const [name, values] of Object.entries(lists)) {
    rows = rows.flatMap((row) => values.map((value) => Object.assign({ [name]: value }, row)))
  }
  return rows as { [Name in keyof T]: T[Name][number] }[]
}

/** A person who calls, in every situation, with another person and service accounts beside it. */
const situations = combine({
  state: STATES,
  memberState: [...STATES, undefined],
  groups: [[], ['readers'], ['admins']],
  globalRoles: [[], ['platform']],
  otherGroups: [[], ['admins']],
  isMemberElsewhere: OFF_ON,
}).map(({ state, memberState, groups, globalRoles, otherGroups, isMemberElsewhere }): Data => {
  const personID = 'caller'
  const own: Member[] = memberState ? [{ id: 'own', personID, state: memberState, groups }] : []
  const elsewhere: Member[] = [{ id: 'elsewhere', personID, state: 'active', groups: [] }]
  return {
    roles: {
      read: ['organization identity:users read'],
      delete: ['organization identity:users delete'],
      platform: ['global identity:users delete'],
    },
    people: [
      { id: personID, subject: personID, state, globalRoles },
      { id: 'other', subject: 'other', state: 'active', globalRoles: [] },
    ],
    organizations: [
      {
        id: 'o',
        groups: { readers: ['read'], admins: ['delete'] },
        members: [...own, { id: 'other', personID: 'other', state: 'active', groups: otherGroups }],
        serviceAccounts: [
          { id: 'account', groups: [] },
          { id: 'administrator', groups: ['admins'] },
        ],
      },
      {
        id: 'p',
        groups: {},
        members: isMemberElsewhere ? elsewhere : [],
        serviceAccounts: [],
      },
    ],
  }
})

const everyCall = combine({
  subject: ['caller', 'account', 'administrator'],
  organizationID: ['o', 'p'],
  userID: ['own', 'elsewhere', 'other', 'absent'],
  keepLastAdministrator: OFF_ON,
})

/** Runs a call and takes it back. */
function tryCall(call: Call, settings: Settings): Row {
  exec('SAVEPOINT before')
  const reported = callDatabase(call, settings, 0)
  exec('ROLLBACK TO before')
  return reported
}

test('lets members delete their own user and nothing else, in every situation', () => {
  const changes = new Set<string>()
  for (const data of situations) {
    exec('BEGIN')
    insertAll(data)
    for (const { keepLastAdministrator, ...call } of everyCall) {
      const [off, on] = OFF_ON.map((membersMayLeave) => {
        const settings = { keepLastAdministrator, membersMayLeave }
        const reported = tryCall(call, settings)
        const decision = decide(data, call, settings)
        expect({ data, call, settings, ...reported }).toEqual({ data, call, settings, ...decision })
        return JSON.stringify({ ...reported, groupsRemoved: undefined })
      })
      if (on !== off)
        changes.add([call.subject, call.organizationID, call.userID, off, on].join(' '))
    }
    exec('ROLLBACK')
  }
  const [refused, deleted] = ['not_permitted', 'deleted'].map((outcome) =>
    JSON.stringify({ outcome, actorKind: 'user' }),
  )
  expect([...changes]).toEqual([
    `caller o own ${refused} ${deleted}`,
    `caller p elsewhere ${refused} ${deleted}`,
  ])
})
