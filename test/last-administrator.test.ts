/**
 * An organization that keeps its last administrator: who counts as one, who may remove it, and that of several who go at
 * once one stays.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import type { MemberOptions, Seed } from './support/seed'
import type { Vars } from './support/worker/caller'
import { setStage, type Stage } from './support/worker/stage'
import type { World } from './support/world'

const KEEP = { KEEP_LAST_ADMINISTRATOR: 'true' }

/** A stage on which the administrator is the last one, but for what is added. */
function setKeeping(seed?: (seed: Seed, world: World) => unknown, vars: Vars = KEEP) {
  return setStage({ vars, seed: (rows, world) => void seed?.(rows, world) })
}

describe('the last administrator', () => {
  test('cannot remove itself', async () => {
    const { callAs, world } = await setKeeping()
    const answer = await callAs(world.administrator, world.administrator)
    expect(answer.status).toBe(403)
    expect(answer.line.reason).toBe('last_administrator')
    expect((await callAs(world.administrator)).status).toBe(200)
  })

  test('cannot be removed by a service account of the organization', async () => {
    const { callAs, world } = await setKeeping()
    const answer = await callAs(world.serviceAccount, world.administrator)
    expect(answer.line.reason).toBe('last_administrator')
  })

  test('can be removed by a platform administrator', async () => {
    const { callAs, world } = await setKeeping()
    expect((await callAs(world.platformAdministrator, world.administrator)).status).toBe(200)
  })

  test('can remove itself when it is a platform administrator as well', async () => {
    const { callAs, world } = await setKeeping((seed, { administrator }) =>
      seed.row('global_role_bindings', {
        user_id: administrator.person.id,
        role_id: 'platform-administrator',
      }),
    )
    expect((await callAs(world.administrator, world.administrator)).status).toBe(200)
  })

  test.each([
    ['not set', undefined],
    ['empty', ''],
    ['false', 'false'],
  ])('is nothing special where the setting is %s', async (_, KEEP_LAST_ADMINISTRATOR) => {
    const { callAs, world } = await setKeeping(undefined, { KEEP_LAST_ADMINISTRATOR })
    expect((await callAs(world.administrator, world.administrator)).status).toBe(200)
  })
})

describe('someone counts as another administrator', () => {
  test.each<[string, (seed: Seed, world: World) => unknown]>([
    [
      'in the same group',
      (seed, { organizationID, administrators }) =>
        seed.member(organizationID, { groups: [administrators] }),
    ],
    [
      'in another group that grants it',
      (seed, { organizationID }) => {
        const role = seed.role(['organization identity:users delete'])
        seed.member(organizationID, { groups: [seed.group(organizationID, [role])] })
      },
    ],
  ])('%s', async (_, add) => {
    const { callAs, world } = await setKeeping(add)
    expect((await callAs(world.administrator, world.administrator)).status).toBe(200)
  })
})

function inGroup(options: MemberOptions) {
  return (seed: Seed, { organizationID, administrators }: World) =>
    seed.member(organizationID, { groups: [administrators], ...options })
}

describe('nobody counts as another administrator', () => {
  test.each<[string, (seed: Seed, world: World) => unknown]>([
    ['who is suspended here', inGroup({ state: 'suspended' })],
    ['who is pending here', inGroup({ state: 'pending' })],
    ['who is suspended on the platform', inGroup({ personOptions: { state: 'suspended' } })],
    ['who is pending on the platform', inGroup({ personOptions: { state: 'pending' } })],
    [
      'who is a service account',
      (seed, { organizationID, administrators }) =>
        seed.serviceAccount(organizationID, [administrators]),
    ],
    [
      'whose subject names a service account too, so that it can call nothing',
      (seed, { organizationID, administrators }) => {
        seed.serviceAccount(organizationID, [], 'twice')
        return seed.member(organizationID, {
          groups: [administrators],
          personOptions: { subject: 'twice' },
        })
      },
    ],
    [
      'who has it at project scope',
      (seed, { organizationID }) => {
        const role = seed.role(['project identity:users delete'])
        seed.member(organizationID, { groups: [seed.group(organizationID, [role])] })
      },
    ],
    [
      'who is an administrator of another organization',
      (seed, { otherOrganizationID }) => {
        const group = seed.group(otherOrganizationID, ['administrator'])
        seed.member(otherOrganizationID, { groups: [group] })
      },
    ],
    [
      'who is a platform administrator only',
      (seed, { organizationID }) =>
        seed.member(organizationID, {
          personOptions: { globalRoles: ['platform-administrator'] },
        }),
    ],
  ])('%s', async (_, add) => {
    const { callAs, world } = await setKeeping(add)
    const answer = await callAs(world.administrator, world.administrator)
    expect(answer.line.reason).toBe('last_administrator')
  })
})

describe('someone who is no administrator can be removed by a service account', () => {
  test('when an administrator stays', async () => {
    const { callAs, world } = await setKeeping()
    expect((await callAs(world.serviceAccount)).status).toBe(200)
  })

  test('when there is none', async () => {
    const { callAs, world } = await setKeeping()
    await callAs(world.platformAdministrator, world.administrator)
    expect((await callAs(world.serviceAccount)).status).toBe(200)
  })

  test('who is in the group, but suspended', async () => {
    const { callAs, world } = await setKeeping()
    await env.DB.prepare("UPDATE organization_users SET state = 'suspended' WHERE id = ?")
      .bind(world.administrator.userID)
      .run()
    expect((await callAs(world.serviceAccount, world.administrator)).status).toBe(200)
  })
})

test('a user who is not there is a 404 before it is anything else', async () => {
  const { callAs, world } = await setKeeping()
  const answer = await callAs(world.administrator, { ...world, userID: 'nobody' })
  expect(answer.status).toBe(404)
})

test('of three administrators who remove themselves at once one stays', async () => {
  const stage = await setKeeping((seed, { organizationID, administrators }) => {
    for (const subject of ['second', 'third']) {
      seed.member(organizationID, {
        id: subject,
        groups: [administrators],
        personOptions: { subject },
      })
    }
  })
  const { callAs, world } = stage
  const { organizationID } = world
  const answers = await Promise.all([
    callAs(world.administrator, world.administrator),
    callAs('second', { organizationID, userID: 'second' }),
    callAs('third', { organizationID, userID: 'third' }),
  ])
  const reasons = answers.map(({ line }) => line.reason)
  expect(reasons.filter((reason) => reason === undefined)).toHaveLength(2)
  expect(reasons.filter((reason) => reason === 'last_administrator')).toHaveLength(1)
})

test.each([
  ['with the setting', 'true'],
  ['without it', 'false'],
])(
  'of two administrators who remove each other at once one stays, %s',
  async (_, KEEP_LAST_ADMINISTRATOR) => {
    const stage = await setKeeping(
      (seed, { organizationID, administrators }) =>
        seed.member(organizationID, {
          id: `second-${KEEP_LAST_ADMINISTRATOR}`,
          groups: [administrators],
          personOptions: { subject: `second-${KEEP_LAST_ADMINISTRATOR}` },
        }),
      { KEEP_LAST_ADMINISTRATOR },
    )
    expect(await removeEachOther(stage, `second-${KEEP_LAST_ADMINISTRATOR}`)).toEqual([
      '200',
      'not_permitted',
    ])
  },
)

async function removeEachOther({ callAs, world }: Stage, other: string): Promise<string[]> {
  const { organizationID, administrator } = world
  const answers = await Promise.all([
    callAs(administrator, { organizationID, userID: other }),
    callAs(other, administrator),
  ])
  return answers.map(({ status, line }) => line.reason ?? String(status)).toSorted()
}
