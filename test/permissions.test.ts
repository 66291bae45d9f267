/**
 * Who may delete users: every way to the permission, and everything that looks like one and is none.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { DELETE_USERS, type Seed } from './support/seed'
import { setStage } from './support/worker/stage'
import type { World } from './support/world'

/** Adds whatever makes `me`, a subject or an ID, a caller. */
type MakeCaller = (seed: Seed, world: World, me: string) => unknown

async function callAsMe(make: MakeCaller) {
  const me = crypto.randomUUID()
  const { callAs } = await setStage({ seed: (seed, world) => void make(seed, world, me) })
  return callAs(me)
}

const memberWith =
  (permissions: readonly `${string} ${string} ${string}`[]): MakeCaller =>
  (seed, { organizationID }, me) => {
    const group = seed.group(organizationID, [seed.role(permissions)])
    seed.member(organizationID, { groups: [group], personOptions: { subject: me } })
  }

const platformWith =
  (permissions: readonly `${string} ${string} ${string}`[]): MakeCaller =>
  (seed, _, me) =>
    seed.person({ subject: me, globalRoles: [seed.role(permissions)] })

describe.each<[string, readonly (readonly [string, MakeCaller])[]]>([
  [
    'a member of the organization',
    [
      ['in a group with a role that grants it', memberWith([DELETE_USERS])],
      [
        'whose permissions of several groups add up',
        (seed, { organizationID }, me) => {
          const groups = [
            seed.group(organizationID, ['auditor']),
            seed.group(organizationID),
            seed.group(organizationID, [seed.role([DELETE_USERS])]),
          ]
          seed.member(organizationID, { groups, personOptions: { subject: me } })
        },
      ],
      [
        'whose group’s permissions of several roles add up',
        (seed, { organizationID }, me) => {
          const roles = ['reader', seed.role(['organization identity:users read', DELETE_USERS])]
          const group = seed.group(organizationID, roles)
          seed.member(organizationID, { groups: [group], personOptions: { subject: me } })
        },
      ],
      [
        'who is suspended in another organization',
        (seed, { organizationID, otherOrganizationID, administrators }, me) => {
          const person = seed.person({ subject: me })
          seed.member(organizationID, { person, groups: [administrators] })
          seed.member(otherOrganizationID, { person, state: 'suspended' })
        },
      ],
    ],
  ],
  [
    'a service account of the organization',
    [
      [
        'in a group with a role that grants it',
        (seed, { organizationID }, me) => {
          const group = seed.group(organizationID, [seed.role([DELETE_USERS])])
          seed.serviceAccount(organizationID, [group], me)
        },
      ],
    ],
  ],
  [
    'a platform administrator',
    [
      [
        'with a role that grants it at global scope',
        platformWith(['global identity:users delete']),
      ],
      [
        'who is a suspended member of the organization',
        (seed, { organizationID }, me) =>
          seed.member(organizationID, {
            state: 'suspended',
            personOptions: { subject: me, globalRoles: ['platform-administrator'] },
          }),
      ],
    ],
  ],
])('%s may delete', (_, cases) => {
  test.each(cases)('%s', async (__, make) => {
    expect((await callAsMe(make)).status).toBe(200)
  })
})

describe.each<[string, readonly (readonly [string, MakeCaller])[]]>([
  [
    'a member of the organization',
    [
      [
        'in no group',
        (seed, { organizationID }, me) =>
          seed.member(organizationID, { personOptions: { subject: me } }),
      ],
      ...(['pending', 'suspended'] as const).map((state): [string, MakeCaller] => [
        `who is ${state} here`,
        (seed, { organizationID, administrators }, me) =>
          seed.member(organizationID, {
            state,
            groups: [administrators],
            personOptions: { subject: me },
          }),
      ]),
      ['with another operation on users', memberWith(['organization identity:users update'])],
      ['with the operation on groups', memberWith(['organization identity:groups delete'])],
      ['with it on a longer endpoint', memberWith(['organization identity:users:x delete'])],
      ['with it in another letter case', memberWith(['organization Identity:Users delete'])],
      ['with it at project scope', memberWith(['project identity:users delete'])],
      [
        'with it at global scope, which comes through no group',
        memberWith(['global identity:users delete']),
      ],
      [
        'in a group with the role of platform administrators',
        (seed, { organizationID }, me) => {
          const group = seed.group(organizationID, ['platform-administrator'])
          seed.member(organizationID, { groups: [group], personOptions: { subject: me } })
        },
      ],
      ...['auditor', 'user', 'reader'].map((role): [string, MakeCaller] => [
        `in a group with the role ${role}`,
        (seed, { organizationID }, me) => {
          const group = seed.group(organizationID, [role])
          seed.member(organizationID, { groups: [group], personOptions: { subject: me } })
        },
      ]),
    ],
  ],
  [
    'someone of another organization',
    [
      [
        'who is an administrator there',
        (seed, { otherOrganizationID }, me) => {
          const group = seed.group(otherOrganizationID, ['administrator'])
          seed.member(otherOrganizationID, { groups: [group], personOptions: { subject: me } })
        },
      ],
      [
        'who is an administrator there and a plain member here',
        (seed, { organizationID, otherOrganizationID }, me) => {
          const person = seed.person({ subject: me })
          const group = seed.group(otherOrganizationID, ['administrator'])
          seed.member(otherOrganizationID, { person, groups: [group] })
          seed.member(organizationID, { person })
        },
      ],
      [
        'who is a service account there',
        (seed, { otherOrganizationID }, me) => {
          const group = seed.group(otherOrganizationID, ['administrator'])
          seed.serviceAccount(otherOrganizationID, [group], me)
        },
      ],
    ],
  ],
  [
    'a service account of the organization',
    [
      [
        'in no group',
        (seed, { organizationID }, me) => seed.serviceAccount(organizationID, [], me),
      ],
      [
        'in a group that may only read',
        (seed, { organizationID, auditors }, me) =>
          seed.serviceAccount(organizationID, [auditors], me),
      ],
      [
        'in a group that grants it at global scope',
        (seed, { organizationID }, me) => {
          const group = seed.group(organizationID, ['platform-administrator'])
          seed.serviceAccount(organizationID, [group], me)
        },
      ],
    ],
  ],
  [
    'someone with a role bound at global scope',
    [
      ['that grants it at organization scope', platformWith([DELETE_USERS])],
      ['that grants it at project scope', platformWith(['project identity:users delete'])],
      ['that grants another operation', platformWith(['global identity:users read'])],
      [
        'that is the organizations’ administrator',
        (seed, _, me) => seed.person({ subject: me, globalRoles: ['administrator'] }),
      ],
    ],
  ],
  [
    'the person to be deleted',
    [
      [
        'without the permission',
        (seed, { organizationID }, me) =>
          seed.member(organizationID, { id: 'myself', personOptions: { subject: me } }),
      ],
    ],
  ],
])('%s may not delete', (_, cases) => {
  test.each(cases)('%s', async (__, make) => {
    const answer = await callAsMe(make)
    expect(answer.status).toBe(403)
    expect(answer.line.reason).toBe('not_permitted')
  })
})

test.each<[string, string, (world: World) => unknown[]]>([
  [
    'the membership of the group is taken away',
    'DELETE FROM group_members WHERE organization_user_id = ?',
    (world) => [world.administrator.userID],
  ],
  [
    'the group loses its role',
    'DELETE FROM group_roles WHERE group_id = ?',
    (world) => [world.administrators],
  ],
  [
    'the membership is suspended',
    "UPDATE organization_users SET state = 'suspended' WHERE id = ?",
    (world) => [world.administrator.userID],
  ],
  ['the group is deleted', 'DELETE FROM groups WHERE id = ?', (world) => [world.administrators]],
])('permission is looked up at every call: it is gone once %s', async (_, sql, values) => {
  const { callAs, world } = await setStage()
  expect((await callAs(world.administrator)).status).toBe(200)
  await env.DB.prepare(sql)
    .bind(...values(world))
    .run()
  expect((await callAs(world.administrator, world.plain)).status).toBe(403)
})

test('a person suspended on the platform is refused at the next call', async () => {
  const { callAs, world } = await setStage()
  expect((await callAs(world.administrator)).status).toBe(200)
  await env.DB.prepare("UPDATE users SET state = 'suspended' WHERE id = ?")
    .bind(world.administrator.person.id)
    .run()
  expect((await callAs(world.administrator, world.plain)).status).toBe(401)
})

test('the roles of the target do not matter', async () => {
  const { callAs, world } = await setStage()
  expect((await callAs(world.serviceAccount, world.administrator)).status).toBe(200)
})
