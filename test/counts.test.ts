/**
 * The exact cost of a call at the database: round trips, statements, rows read and written, plans. The numbers are those of
 * one version of SQLite; they must not grow with the number of users, groups and organizations.
 */
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import * as compiled from '../src/statements'
import { watch } from './support/database'
import { createSeed, type Member, type MemberOptions } from '../dev/seeder.ts'
import type { CallResponse, Vars } from './support/worker/caller'
import { createHarness, type Harness } from './support/worker/harness'
import type { Fixture } from './support/fixture'

type Cost = readonly [status: number, rowsRead: number, rowsWritten: number]
type MemberName = 'administrator' | 'auditor' | 'otherAdministrator' | 'plain' | 'targetElsewhere'

/** A call of `administrator` that deletes `target`, but for the changes. */
interface Changes {
  readonly caller?: MemberName | 'platformAdministrator' | 'serviceAccount' | 'stranger'
  readonly user?: MemberName | 'absent'
  /** A new member that deletes itself. */
  readonly own?: MemberOptions
  /** The roles of its groups. */
  readonly roles?: readonly string[]
  readonly organization?: 'otherOrganizationID'
  readonly vars?: Vars
  readonly headers?: Record<string, string>
}

const KEEP = { vars: { KEEP_LAST_ADMINISTRATOR: 'true' } }
const RECORD = { vars: { RECORD_GROUPS: 'true' } }
const IN_TWO_GROUPS = { own: {}, roles: ['auditor', 'user'] }

/** The last cost is that with `MEMBERS_MAY_LEAVE`, if it differs. */
const cases: [string, Changes, Cost, Cost?][] = [
  ['a user in two groups', {}, [200, 20, 4]],
  ['a user in no group', { user: 'plain' }, [200, 13, 2]],
  ['a platform administrator', { caller: 'platformAdministrator' }, [200, 19, 4]],
  ['a service account', { caller: 'serviceAccount' }, [200, 20, 4]],
  ['an idempotency key', { headers: { 'Idempotency-Key': 'key' } }, [200, 20, 5]],
  ['an administrator who deletes itself', { user: 'administrator' }, [200, 17, 3]],
  ['another administrator stays', KEEP, [200, 20, 4]],
  ['the last administrator itself', { user: 'administrator', ...KEEP }, [403, 39, 0]],
  ['two groups are recorded', RECORD, [200, 23, 4]],
  ['no groups are recorded', { user: 'plain', ...RECORD }, [200, 13, 2]],
  ['an unknown caller', { caller: 'stranger' }, [401, 3, 0]],
  ['no permission', { caller: 'auditor' }, [403, 20, 0], [403, 24, 0]],
  ['no permission, RECORD_GROUPS', { caller: 'auditor', ...RECORD }, [403, 20, 0], [403, 24, 0]],
  ['no member', { caller: 'otherAdministrator' }, [403, 10, 0], [403, 14, 0]],
  ['an absent user', { user: 'absent' }, [404, 9, 0]],
  ['a member of two groups leaves', IN_TWO_GROUPS, [403, 26, 0], [200, 27, 4]],
  [
    'the same, and an administrator stays',
    { ...IN_TWO_GROUPS, ...KEEP },
    [403, 26, 0],
    [200, 45, 4],
  ],
  ['a member of no group leaves', { own: {} }, [403, 12, 0], [200, 13, 2]],
  ['a pending member declines', { own: { state: 'pending' } }, [403, 12, 0], [200, 13, 2]],
  ['a suspended member leaves', { own: { state: 'suspended' } }, [403, 12, 0], [403, 16, 0]],
  [
    'a suspended person leaves',
    { own: { personOptions: { state: 'suspended' } } },
    [401, 8, 0],
    [401, 9, 0],
  ],
  [
    'a member names another organization',
    { own: {}, organization: 'otherOrganizationID' },
    [403, 7, 0],
    [403, 9, 0],
  ],
  [
    'a member who left leaves again',
    { caller: 'targetElsewhere', user: 'absent' },
    [403, 15, 0],
    [403, 16, 0],
  ],
]

/** SQLite reads one row past the end of a range, if there is one: so there is always one. */
beforeAll(async () => {
  const seed = createSeed()
  const organization = seed.organization('zzz')
  const groups = [seed.group(organization, ['administrator'], 'zzz')]
  seed.serviceAccount(organization, groups, 'zzz')
  const personOptions = { subject: 'zzz', globalRoles: ['platform-administrator'] }
  seed.member(organization, { id: 'zzz', groups, personOptions })
  await seed.save(env.DB)
})

describe.each([
  ['a small database', 0],
  ['10,000 more users, and as many groups and organizations', 10_000],
])('with %s', (_, size) => {
  beforeAll(() => addCrowd(size))

  test.each(cases)(
    'one batch of four statements: %s',
    async (__, changes, cost, costIfMayLeave) => {
      const { organization = 'organizationID', roles = [], vars, headers = {} } = changes
      for (const MEMBERS_MAY_LEAVE of [false, true]) {
        const { db, calls, statements, metas } = watch(env.DB)
        let own: Member | undefined
        const { callAs, fixture } = await createHarness({
          vars: { MEMBERS_MAY_LEAVE, ...vars, DB: db },
          seed(seed, { organizationID }) {
            const groups = roles.map((role) => seed.group(organizationID, [role]))
            if (changes.own) own = seed.member(organizationID, { groups, ...changes.own })
          },
        })
        await letJoin(fixture, size / 10)
        const { caller = 'administrator', user = 'target' } = changes
        const members = { ...fixture, stranger: 'a stranger', absent: { userID: 'absent' } }
        const { userID } = own ?? members[user]
        const call = { organizationID: fixture[organization], userID, headers }
        const { status, line } = await callAs(own ?? members[caller], call)

        expect(calls).toEqual(['batch'])
        expect(statements).toHaveLength(4)
        const [rowsRead, rowsWritten] = (['rows_read', 'rows_written'] as const).map((name) =>
          metas.flat().reduce((sum, meta) => sum + meta[name], 0),
        )
        const expected = MEMBERS_MAY_LEAVE ? (costIfMayLeave ?? cost) : cost
        expect([status, rowsRead, rowsWritten]).toEqual(expected)
        expect(line.database).toMatchObject({ attempts: 1, rowsRead, rowsWritten })
      }
    },
  )

  test.each<[sql: string, rowsRead: number, (fixture: Fixture) => string]>([
    ['DELETE FROM groups WHERE id = ?', 15, ({ auditors }) => auditors],
    ['DELETE FROM service_accounts WHERE id = ?', 6, ({ serviceAccount }) => serviceAccount],
    ['SELECT * FROM group_members WHERE group_id = ?', 3, ({ auditors }) => auditors],
    ['DELETE FROM organizations WHERE id = ?', 31, (fixture) => fixture.otherOrganizationID],
  ])('other writers read a bounded number of rows: %s', async (sql, rowsRead, choose) => {
    const { fixture } = await createHarness()
    await letJoin(fixture, size / 10)
    const { meta } = await env.DB.prepare(sql).bind(choose(fixture)).run()
    expect(meta.rows_read).toBe(rowsRead)
  })
})

test.each([
  ['false', 134],
  ['true', 175],
])(
  'rows, not statements, grow with the groups of the user: RECORD_GROUPS %s',
  async (RECORD_GROUPS, rowsRead) => {
    const { db, calls, statements } = watch(env.DB)
    let user: Member | undefined
    const { callAs, fixture } = await createHarness({
      vars: { DB: db, RECORD_GROUPS },
      seed(seed, { organizationID }) {
        const groups = Array.from({ length: 40 }, () => seed.group(organizationID))
        user = seed.member(organizationID, { groups })
      },
    })
    const { line } = await callAs(fixture.administrator, user)
    expect([calls, statements.length]).toEqual([['batch'], 4])
    expect(line.database).toMatchObject({ rowsRead, rowsWritten: 42 })
  },
)

test.each<[string, (harness: Harness) => Promise<CallResponse>, Vars?]>([
  ['no token', ({ call, fixture }) => call(fixture.target)],
  ['an invalid token', ({ callWith }) => callWith({ claims: { aud: 'other' } })],
  ['an expired token', ({ callWith }) => callWith({ claims: { exp: 1 } })],
  ['a missing scope', ({ callWith }) => callWith({}), { REQUIRED_SCOPE: 'users' }],
  ['an unknown path', ({ callAs }) => callAs('x', { path: '/nowhere' })],
  ['another method', ({ callAs, fixture }) => callAs('x', { ...fixture.target, method: 'PUT' })],
  ['OPTIONS', ({ call, fixture }) => call({ ...fixture.target, method: 'OPTIONS' })],
])('a call with %s does not reach the database', async (_, act, vars = {}) => {
  const { db, calls, statements } = watch(env.DB)
  const { line } = await act(await createHarness({ vars: { ...vars, DB: db } }))
  expect([calls, statements, line.database]).toEqual([[], [], undefined])
})

/** The steps of SQLite's plan, as it words them. */
async function explain(sql: string): Promise<string[]> {
  const values = Array.from(new Set(sql.match(/\?\d+/g)), () => null)
  const statement = env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`).bind(...values)
  return (await statement.all<{ detail: string }>()).results.map(({ detail }) => detail)
}

/** A scan of a subquery of the same plan, of a list of values, or of one row without a table is no table scan. */
test.each(Object.entries(compiled))('%s scans no table and sorts nothing', async (_, { sql }) => {
  const plan = await explain(sql)
  const subqueries = plan.flatMap(
    (step) => /^(?:CO-ROUTINE|MATERIALIZE) (.+)$/.exec(step)?.[1] ?? [],
  )
  const scans = ['CONSTANT ROW', 'json_each VIRTUAL TABLE INDEX 1:', ...subqueries].map(
    (rows) => `SCAN ${rows}`,
  )
  const steps = plan.filter((step) => /\bSCAN\b|AUTOMATIC|TEMP B-TREE/.test(step))
  expect(scans).toEqual(expect.arrayContaining(steps))
  expect(await explain('SELECT * FROM users WHERE state = ?1')).toEqual(['SCAN users'])
})

/** Adds people, and organizations with a group and a service account each, that take no part in a call. */
async function addCrowd(size: number): Promise<void> {
  if (size === 0) return
  const crowd = `(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${size})
    SELECT 'crowd-' || i AS id FROM n)`
  const tables = {
    users: "id, id, 'active'",
    organizations: 'id, id',
    groups: 'id, id, id',
    group_roles: "id, 'administrator'",
    service_accounts: "id || '-account', id, id",
    group_service_accounts: "id, id, id || '-account'",
  }
  const statements = Object.entries(tables).map(([table, values]) =>
    env.DB.prepare(`INSERT INTO ${table} SELECT ${values} FROM ${crowd}`),
  )
  await env.DB.batch(statements)
}

/** Makes some people of the crowd users of the organization, and readers. */
async function letJoin({ organizationID, readers }: Fixture, size: number): Promise<void> {
  const members = `FROM users WHERE id GLOB 'crowd-*' LIMIT ${size}`
  const id = `id || '${organizationID}'`
  const statements = [
    `INSERT INTO organization_users SELECT ${id}, '${organizationID}', id, 'active' ${members}`,
    `INSERT INTO group_members SELECT '${organizationID}', '${readers}', ${id} ${members}`,
  ]
  await env.DB.batch(statements.map((sql) => env.DB.prepare(sql)))
}
