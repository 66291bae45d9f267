/**
 * What a call costs the database, exactly: round trips, statements, rows read and written. The numbers are those of one
 * SQLite; that they do not grow with the number of users, groups and organizations is the point.
 */
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { watch } from './support/database'
import { createSeed, type Member, type MemberOptions } from '../dev/seeder.ts'
import type { CallResponse, Vars } from './support/worker/caller'
import { createHarness, type Harness } from './support/worker/harness'
import type { Fixture } from './support/fixture'

type Cost = readonly [status: number, rowsRead: number, rowsWritten: number]
type Name =
  | 'administrator'
  | 'auditor'
  | 'otherAdministrator'
  | 'own'
  | 'plain'
  | 'platformAdministrator'
  | 'serviceAccount'
  | 'stranger'
  | 'target'
  | 'targetElsewhere'

/** Differences from the usual call. `own` is a member that a case adds; its groups are named by their roles. */
interface Changes {
  readonly vars?: Vars
  readonly headers?: Record<string, string>
  readonly own?: MemberOptions
  readonly organization?: 'otherOrganizationID'
}

const KEEP = { vars: { KEEP_LAST_ADMINISTRATOR: 'true' } }
const RECORD = { vars: { RECORD_GROUPS: 'true' } }
const inTwoGroups = { own: { groups: ['auditor', 'user'] } }
const ABSENT = 'absent'

/** The last cost is that with `MEMBERS_MAY_LEAVE`, if it differs. */
const cases: [string, Name, Name | typeof ABSENT, Changes, Cost, Cost?][] = [
  ['a user in two groups', 'administrator', 'target', {}, [200, 20, 4]],
  ['a user in no group', 'administrator', 'plain', {}, [200, 13, 2]],
  ['a platform administrator', 'platformAdministrator', 'target', {}, [200, 19, 4]],
  ['a service account', 'serviceAccount', 'target', {}, [200, 20, 4]],
  ['a key', 'administrator', 'target', { headers: { 'Idempotency-Key': 'key' } }, [200, 20, 5]],
  ['the last administrator is kept', 'administrator', 'target', KEEP, [200, 20, 4]],
  ['the last administrator itself', 'administrator', 'administrator', KEEP, [403, 39, 0]],
  ['an unknown caller', 'stranger', 'target', {}, [401, 3, 0]],
  ['no permission', 'auditor', 'target', {}, [403, 20, 0], [403, 24, 0]],
  ['an absent user', 'administrator', ABSENT, {}, [404, 9, 0]],
  ['no member', 'otherAdministrator', 'target', {}, [403, 10, 0], [403, 14, 0]],
  ['a member of two groups leaves', 'own', 'own', inTwoGroups, [403, 26, 0], [200, 27, 4]],
  [
    'the same, and the last administrator is kept',
    'own',
    'own',
    { ...inTwoGroups, ...KEEP },
    [403, 26, 0],
    [200, 45, 4],
  ],
  ['a member of no group leaves', 'own', 'own', { own: {} }, [403, 12, 0], [200, 13, 2]],
  [
    'a pending member declines',
    'own',
    'own',
    { own: { state: 'pending' } },
    [403, 12, 0],
    [200, 13, 2],
  ],
  [
    'a suspended member wants to leave',
    'own',
    'own',
    { own: { state: 'suspended' } },
    [403, 12, 0],
    [403, 16, 0],
  ],
  [
    'a suspended person wants to leave',
    'own',
    'own',
    { own: { personOptions: { state: 'suspended' } } },
    [401, 8, 0],
    [401, 9, 0],
  ],
  [
    'a member names its own user in another organization',
    'own',
    'own',
    { own: {}, organization: 'otherOrganizationID' },
    [403, 7, 0],
    [403, 9, 0],
  ],
  ['a member who left leaves again', 'targetElsewhere', ABSENT, {}, [403, 15, 0], [403, 16, 0]],
  ['an administrator deletes itself', 'administrator', 'administrator', {}, [200, 17, 3]],
  ['two groups are recorded', 'administrator', 'target', RECORD, [200, 23, 4]],
  ['no groups are recorded', 'administrator', 'plain', RECORD, [200, 13, 2]],
  ['no permission, groups recorded', 'auditor', 'target', RECORD, [403, 20, 0], [403, 24, 0]],
]

/** SQLite reads one row past the end of a range, where there is one: so there is always one. */
beforeAll(async () => {
  const seed = createSeed()
  const organization = seed.organization('zzz')
  const group = seed.group(organization, ['administrator'], 'zzz')
  seed.serviceAccount(organization, [group], 'zzz')
  seed.member(organization, {
    id: 'zzz',
    groups: [group],
    personOptions: { subject: 'zzz', globalRoles: ['platform-administrator'] },
  })
  await seed.save(env.DB)
})

describe.each([
  ['a small database', 0],
  ['10,000 more users, and as many groups and organizations', 10_000],
])('with %s', (_, size) => {
  beforeAll(() => addCrowd(size))

  test.each(
    cases.flatMap(([title, caller, user, changes, cost, costIfMayLeave = cost]) => [
      { title, leave: 'false', caller, user, changes, cost },
      { title, leave: 'true', caller, user, changes, cost: costIfMayLeave },
    ]),
  )('$title, MEMBERS_MAY_LEAVE $leave: $cost', async ({ leave, caller, user, changes, cost }) => {
    const { db, calls, statements, metas } = watch(env.DB)
    let own: Member | undefined
    const harness = await createHarness({
      vars: { MEMBERS_MAY_LEAVE: leave, ...changes.vars, DB: db },
      seed: (seed, { organizationID }) => {
        if (changes.own === undefined) return
        const groups = changes.own.groups?.map((role) => seed.group(organizationID, [role])) ?? []
        own = seed.member(organizationID, { ...changes.own, groups })
      },
    })
    const { fixture } = harness
    const members = { ...fixture, own: own ?? fixture.plain, stranger: 'a stranger' }
    await letJoin(fixture, size / 10)

    const found = user === ABSENT ? ABSENT : (members[user] as Member).userID
    const organizationID = fixture[changes.organization ?? 'organizationID']
    const call = { organizationID, userID: found, headers: changes.headers ?? {} }
    const response = await harness.callAs(members[caller], call)

    expect(calls).toEqual(['batch'])
    expect(statements).toHaveLength(4)
    const sum = (name: 'rows_read' | 'rows_written') =>
      metas.flat().reduce((total, meta) => total + meta[name], 0)
    expect([response.status, sum('rows_read'), sum('rows_written')]).toEqual(cost)
    const [, rowsRead, rowsWritten] = cost
    expect(response.line.database).toMatchObject({ attempts: 1, rowsRead, rowsWritten })
  })

  test.each<[string, string, (fixture: Fixture) => string, number]>([
    ['deleting a group', 'DELETE FROM groups WHERE id = ?', ({ auditors }) => auditors, 15],
    [
      'deleting a service account',
      'DELETE FROM service_accounts WHERE id = ?',
      ({ serviceAccount }) => serviceAccount,
      6,
    ],
    [
      'listing the members of a group',
      'SELECT * FROM group_members WHERE group_id = ?',
      ({ auditors }) => auditors,
      3,
    ],
    [
      'deleting an organization',
      'DELETE FROM organizations WHERE id = ?',
      ({ otherOrganizationID }) => otherOrganizationID,
      31,
    ],
  ])('what other writers do stays bounded as well: %s', async (__, sql, choose, rowsRead) => {
    const { fixture } = await createHarness()
    await letJoin(fixture, size / 10)
    const { meta } = await env.DB.prepare(sql).bind(choose(fixture)).run()
    expect(meta.rows_read).toBe(rowsRead)
  })
})

test.each([
  ['', 'false', 134],
  [', which are recorded', 'true', 175],
])(
  'rows read and written grow with the groups of the target%s; statements do not',
  async (_, RECORD_GROUPS, rowsRead) => {
    const { db, calls, statements } = watch(env.DB)
    let target: Member | undefined
    const { callAs, fixture } = await createHarness({
      vars: { DB: db, RECORD_GROUPS },
      seed(seed, { organizationID }) {
        const groups = Array.from({ length: 40 }, () => seed.group(organizationID))
        target = seed.member(organizationID, { groups })
      },
    })
    const response = await callAs(fixture.administrator, target)
    expect(calls).toEqual(['batch'])
    expect(statements).toHaveLength(4)
    expect(response.line.database).toMatchObject({ rowsRead, rowsWritten: 42 })
  },
)

test.each<[string, (harness: Harness) => Promise<CallResponse>]>([
  ['no token', ({ call, fixture }) => call(fixture.target)],
  ['a bad token', ({ callWith }) => callWith({ claims: { aud: 'other' } })],
  ['an expired token', ({ callWith }) => callWith({ claims: { exp: 1 } })],
  ['an unknown path', ({ callAs }) => callAs('x', { path: '/nowhere' })],
  ['another method', ({ callAs, fixture }) => callAs('x', { ...fixture.target, method: 'PUT' })],
  ['OPTIONS', ({ call, fixture }) => call({ ...fixture.target, method: 'OPTIONS' })],
])('%s does not reach the database', async (_, act) => {
  const { db, calls, statements } = watch(env.DB)
  const response = await act(await createHarness({ vars: { DB: db } }))
  expect(calls).toEqual([])
  expect(statements).toEqual([])
  expect(response.line.database).toBeUndefined()
})

const CROWD = 'crowd-'

/** Adds people, and organizations with a group and a service account each, of which none takes part in a call. */
async function addCrowd(size: number): Promise<void> {
  if (size === 0) return
  const numbers = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${size})`
  const id = `'${CROWD}' || i`
  const insert = (into: string, values: string): D1PreparedStatement =>
    env.DB.prepare(`INSERT INTO ${into} ${numbers} SELECT ${values} FROM n`)
  await env.DB.batch([
    insert('users (id, subject, state)', `${id}, ${id}, 'active'`),
    insert('organizations (id, name)', `${id}, ${id}`),
    insert('groups (id, organization_id, name)', `${id}, ${id}, ${id}`),
    insert('group_roles (group_id, role_id)', `${id}, 'administrator'`),
    insert('service_accounts (id, organization_id, name)', `${id} || '-account', ${id}, ${id}`),
    insert(
      'group_service_accounts (organization_id, group_id, service_account_id)',
      `${id}, ${id}, ${id} || '-account'`,
    ),
  ])
}

/** Makes so many people of the crowd users of the organization, and readers of it. */
async function letJoin({ organizationID, readers }: Fixture, size: number): Promise<void> {
  const join = (into: string, values: string): D1PreparedStatement =>
    env.DB.prepare(
      `INSERT INTO ${into} SELECT ${values} FROM users WHERE id GLOB '${CROWD}*' LIMIT ${size}`,
    )
  await env.DB.batch([
    join(
      'organization_users (id, organization_id, user_id, state)',
      `id || '${organizationID}', '${organizationID}', id, 'active'`,
    ),
    join(
      'group_members (organization_id, group_id, organization_user_id)',
      `'${organizationID}', '${readers}', id || '${organizationID}'`,
    ),
  ])
}
