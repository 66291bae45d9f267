/**
 * What a call costs the database, exactly: round trips, statements, rows read and written. The numbers are those of one
 * SQLite; that they do not grow with the number of users, groups and organizations is the point.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { watch } from './support/database'
import type { Answer, Call, Vars } from './support/worker/caller'
import { setStage, type Stage, type Subject } from './support/worker/stage'
import type { World } from './support/world'

interface Case {
  readonly name: string
  readonly vars?: Vars
  readonly who: (world: World) => Subject
  readonly what?: (world: World) => Call
  readonly status: number
  readonly rowsRead: number
  readonly rowsWritten: number
}

const KEEP = { KEEP_LAST_ADMINISTRATOR: 'true' }

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
  },
  {
    name: 'a user who is not there',
    who: ({ administrator }) => administrator,
    what: ({ organizationID }) => ({ organizationID, userID: 'nobody' }),
    status: 404,
    rowsRead: 9,
    rowsWritten: 0,
  },
]

const sum = (rows: readonly number[]): number => rows.reduce((total, count) => total + count, 0)

describe.each([
  ['a small database', 0],
  ['10,000 more users, and as many groups and organizations', 10_000],
])('with %s, a call that reaches the database asks it once', (_, more) => {
  test.each(cases)('$name: $status, $rowsRead rows read, $rowsWritten written', async (row) => {
    const { db, calls, statements, metas } = watch(env.DB)
    const stage = await setStage({ vars: { ...row.vars, DB: db } })
    const { world } = stage
    await addCrowd(world, more)

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
  })
})

test('rows read and written grow with the groups of the target, statements do not', async () => {
  const { db, calls, statements, metas } = watch(env.DB)
  const stage = await setStage({
    vars: { DB: db },
    seed(seed, { organizationID }) {
      const groups = Array.from({ length: 40 }, () => seed.group(organizationID))
      seed.member(organizationID, { id: 'in-forty-groups', groups })
    },
  })
  const { administrator, organizationID } = stage.world
  await stage.callAs(administrator, { organizationID, userID: 'in-forty-groups' })
  expect(calls).toEqual(['batch'])
  expect(statements).toHaveLength(4)
  expect(sum(metas.flat().map((meta) => meta.rows_written))).toBe(42)
})

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

describe('what other writers do stays bounded as well', () => {
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
      23,
    ],
  ])('%s', async (_, sql, choose, rowsRead) => {
    for (const more of [0, 10_000]) {
      const { world } = await setStage()
      await addCrowd(world, more)
      const { meta } = await env.DB.prepare(sql).bind(choose(world)).run()
      expect([more, meta.rows_read]).toEqual([more, rowsRead])
    }
  })
})

/**
 * Adds people to the organization and to its readers, and other organizations with a group and a service account each, of
 * which none takes part in the call.
 */
async function addCrowd({ organizationID, readers }: World, size: number): Promise<void> {
  if (size === 0) return
  const numbers = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${size})`
  const crowd = crypto.randomUUID()
  const insert = (into: string, values: string): D1PreparedStatement =>
    env.DB.prepare(`INSERT INTO ${into} ${numbers} SELECT ${values} FROM n`)
  await env.DB.batch([
    insert('users (id, subject, state)', `'${crowd}' || i, '${crowd}' || i, 'active'`),
    insert(
      'organization_users (id, organization_id, user_id, state)',
      `'${crowd}' || i, '${organizationID}', '${crowd}' || i, 'active'`,
    ),
    insert(
      'group_members (organization_id, group_id, organization_user_id)',
      `'${organizationID}', '${readers}', '${crowd}' || i`,
    ),
    insert('organizations (id, name)', `'${crowd}' || i, 'crowd'`),
    insert('groups (id, organization_id, name)', `'${crowd}' || i, '${crowd}' || i, 'crowd'`),
    insert('group_roles (group_id, role_id)', `'${crowd}' || i, 'administrator'`),
    insert(
      'service_accounts (id, organization_id, name)',
      `'${crowd}' || 'a' || i, '${crowd}' || i, 'crowd'`,
    ),
    insert(
      'group_service_accounts (organization_id, group_id, service_account_id)',
      `'${crowd}' || i, '${crowd}' || i, '${crowd}' || 'a' || i`,
    ),
  ])
}
