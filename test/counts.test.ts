/**
 * What a call costs the database, exactly: round trips, statements, rows read and written. The numbers are those of one
 * SQLite; that they do not grow with the number of users, groups and organizations is the point.
 */
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { watch } from './support/database'
import { createSeed, type Member, type MemberOptions } from './support/seed'
import type { Answer, Call, Vars } from './support/worker/caller'
import { setStage, type Stage } from './support/worker/stage'
import type { Subject, World } from './support/world'

interface Cost {
  readonly status: number
  readonly rowsRead: number
  readonly rowsWritten: number
}

interface Case extends Cost {
  readonly name: string
  readonly vars?: Vars
  /** The world, with `own` for a caller who wants to leave. */
  readonly who: (world: World & { own: Member }) => Subject
  readonly own?: MemberOptions
  readonly what?: (world: World & { own: Member }) => Call
  /** What differs if members may leave. */
  readonly mayLeave?: Cost
}

const KEEP = { KEEP_LAST_ADMINISTRATOR: 'true' }
const RECORD = { RECORD_GROUPS: 'true' }

const cases: Case[] = [
  {
    name: 'an administrator deletes a user in two groups',
    who: ({ administrator }) => administrator,
    status: 200,
    rowsRead: 20,
    rowsWritten: 4,
  },
  {
    name: 'an administrator deletes a user in no group',
    who: ({ administrator }) => administrator,
    what: ({ plain }) => plain,
    status: 200,
    rowsRead: 13,
    rowsWritten: 2,
  },
  {
    name: 'a platform administrator deletes a user in two groups',
    who: ({ platformAdministrator }) => platformAdministrator,
    status: 200,
    rowsRead: 19,
    rowsWritten: 4,
  },
  {
    name: 'a service account deletes a user in two groups',
    who: ({ serviceAccount }) => serviceAccount,
    status: 200,
    rowsRead: 20,
    rowsWritten: 4,
  },
  {
    name: 'an administrator deletes a user with an idempotency key',
    who: ({ administrator }) => administrator,
    what: ({ target }) => ({ ...target, headers: { 'Idempotency-Key': 'key' } }),
    status: 200,
    rowsRead: 20,
    rowsWritten: 5,
  },
  {
    name: 'an administrator deletes a user where the last one is kept',
    vars: KEEP,
    who: ({ administrator }) => administrator,
    status: 200,
    rowsRead: 20,
    rowsWritten: 4,
  },
  {
    name: 'the last administrator deletes itself where it is kept',
    vars: KEEP,
    who: ({ administrator }) => administrator,
    what: ({ administrator }) => administrator,
    status: 403,
    rowsRead: 39,
    rowsWritten: 0,
  },
  {
    name: 'an unknown caller',
    who: () => 'a stranger',
    status: 401,
    rowsRead: 3,
    rowsWritten: 0,
  },
  {
    name: 'a caller without permission',
    who: ({ auditor }) => auditor,
    status: 403,
    rowsRead: 20,
    rowsWritten: 0,
    mayLeave: { status: 403, rowsRead: 24, rowsWritten: 0 },
  },
  {
    name: 'a user who is not there',
    who: ({ administrator }) => administrator,
    what: ({ organizationID }) => ({ organizationID, userID: 'nobody' }),
    status: 404,
    rowsRead: 9,
    rowsWritten: 0,
  },
  {
    name: 'a stranger to the organization',
    who: ({ otherAdministrator }) => otherAdministrator,
    status: 403,
    rowsRead: 10,
    rowsWritten: 0,
    mayLeave: { status: 403, rowsRead: 14, rowsWritten: 0 },
  },
  {
    name: 'a member of two groups, each with a role, leaves',
    own: { groups: ['auditor', 'user'] },
    who: ({ own }) => own,
    what: ({ own }) => own,
    status: 403,
    rowsRead: 26,
    rowsWritten: 0,
    mayLeave: { status: 200, rowsRead: 27, rowsWritten: 4 },
  },
  {
    name: 'a member of two groups leaves where the last administrator is kept',
    vars: KEEP,
    own: { groups: ['auditor', 'user'] },
    who: ({ own }) => own,
    what: ({ own }) => own,
    status: 403,
    rowsRead: 26,
    rowsWritten: 0,
    mayLeave: { status: 200, rowsRead: 45, rowsWritten: 4 },
  },
  {
    name: 'a member of no group leaves',
    own: {},
    who: ({ own }) => own,
    what: ({ own }) => own,
    status: 403,
    rowsRead: 12,
    rowsWritten: 0,
    mayLeave: { status: 200, rowsRead: 13, rowsWritten: 2 },
  },
  {
    name: 'a pending member declines',
    own: { state: 'pending' },
    who: ({ own }) => own,
    what: ({ own }) => own,
    status: 403,
    rowsRead: 12,
    rowsWritten: 0,
    mayLeave: { status: 200, rowsRead: 13, rowsWritten: 2 },
  },
  {
    name: 'a suspended member wants to leave',
    own: { state: 'suspended' },
    who: ({ own }) => own,
    what: ({ own }) => own,
    status: 403,
    rowsRead: 12,
    rowsWritten: 0,
    mayLeave: { status: 403, rowsRead: 16, rowsWritten: 0 },
  },
  {
    name: 'a suspended person wants to leave',
    own: { personOptions: { state: 'suspended' } },
    who: ({ own }) => own,
    what: ({ own }) => own,
    status: 401,
    rowsRead: 8,
    rowsWritten: 0,
    mayLeave: { status: 401, rowsRead: 9, rowsWritten: 0 },
  },
  {
    name: 'a member names its own user in another organization',
    own: {},
    who: ({ own }) => own,
    what: ({ own: { userID }, otherOrganizationID: organizationID }) => ({
      organizationID,
      userID,
    }),
    status: 403,
    rowsRead: 7,
    rowsWritten: 0,
    mayLeave: { status: 403, rowsRead: 9, rowsWritten: 0 },
  },
  {
    name: 'a member who left wants to leave again',
    who: ({ targetElsewhere }) => targetElsewhere,
    what: ({ organizationID }) => ({ organizationID, userID: 'nobody' }),
    status: 403,
    rowsRead: 15,
    rowsWritten: 0,
    mayLeave: { status: 403, rowsRead: 16, rowsWritten: 0 },
  },
  {
    name: 'an administrator deletes itself',
    who: ({ administrator }) => administrator,
    what: ({ administrator }) => administrator,
    status: 200,
    rowsRead: 17,
    rowsWritten: 3,
  },
  {
    name: 'an administrator deletes a user in two groups, which are recorded',
    vars: RECORD,
    who: ({ administrator }) => administrator,
    status: 200,
    rowsRead: 23,
    rowsWritten: 4,
  },
  {
    name: 'an administrator deletes a user in no group where groups are recorded',
    vars: RECORD,
    who: ({ administrator }) => administrator,
    what: ({ plain }) => plain,
    status: 200,
    rowsRead: 13,
    rowsWritten: 2,
  },
  {
    name: 'a caller without permission where groups are recorded',
    vars: RECORD,
    who: ({ auditor }) => auditor,
    status: 403,
    rowsRead: 20,
    rowsWritten: 0,
    mayLeave: { status: 403, rowsRead: 24, rowsWritten: 0 },
  },
]

const sum = (rows: readonly number[]): number => rows.reduce((total, count) => total + count, 0)

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
    cases.flatMap(({ mayLeave, ...row }) => [
      { leave: 'false', ...row },
      { leave: 'true', ...row, ...mayLeave },
    ]),
  )(
    '$name: $status, $rowsRead rows read, $rowsWritten written, MEMBERS_MAY_LEAVE $leave',
    async (row) => {
      const { db, calls, statements, metas } = watch(env.DB)
      let own: Member | undefined
      const stage = await setStage({
        vars: { MEMBERS_MAY_LEAVE: row.leave, ...row.vars, DB: db },
        seed: (seed, { organizationID }) => {
          const groups = row.own?.groups?.map((role) => seed.group(organizationID, [role]))
          own = row.own && seed.member(organizationID, { ...row.own, ...(groups && { groups }) })
        },
      })
      const world = { ...stage.world, own: own ?? stage.world.plain }
      await letJoin(world, size / 10)

      const answer = await stage.callAs(row.who(world), row.what?.(world))

      expect(answer.status).toBe(row.status)
      expect(calls).toEqual(['batch'])
      expect(statements).toHaveLength(4)
      const { rowsRead, rowsWritten } = row
      expect({
        rowsRead: sum(metas.flat().map((meta) => meta.rows_read)),
        rowsWritten: sum(metas.flat().map((meta) => meta.rows_written)),
      }).toEqual({ rowsRead, rowsWritten })
      expect(answer.line.database).toMatchObject({ attempts: 1, rowsRead, rowsWritten })
    },
  )

  test.each<[string, string, (world: World) => string, number]>([
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
    const { world } = await setStage()
    await letJoin(world, size / 10)
    const { meta } = await env.DB.prepare(sql).bind(choose(world)).run()
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
    const { callAs, world } = await setStage({
      vars: { DB: db, RECORD_GROUPS },
      seed(seed, { organizationID }) {
        const groups = Array.from({ length: 40 }, () => seed.group(organizationID))
        target = seed.member(organizationID, { groups })
      },
    })
    const answer = await callAs(world.administrator, target)
    expect(calls).toEqual(['batch'])
    expect(statements).toHaveLength(4)
    expect(answer.line.database).toMatchObject({ rowsRead, rowsWritten: 42 })
  },
)

test.each<[string, (stage: Stage) => Promise<Answer>]>([
  ['no token', ({ call, world }) => call(world.target)],
  ['a bad token', ({ callWith }) => callWith({ claims: { aud: 'other' } })],
  ['an expired token', ({ callWith }) => callWith({ claims: { exp: 1 } })],
  ['an unknown path', ({ callAs }) => callAs('x', { path: '/nowhere' })],
  ['another method', ({ callAs, world }) => callAs('x', { ...world.target, method: 'PUT' })],
  ['OPTIONS', ({ call, world }) => call({ ...world.target, method: 'OPTIONS' })],
])('%s does not reach the database', async (_, act) => {
  const { db, calls, statements } = watch(env.DB)
  const answer = await act(await setStage({ vars: { DB: db } }))
  expect(calls).toEqual([])
  expect(statements).toEqual([])
  expect(answer.line.database).toBeUndefined()
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
async function letJoin({ organizationID, readers }: World, size: number): Promise<void> {
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
