/**
 * KEEP_LAST_ADMINISTRATOR over HTTP, and callers at once. Who counts as an administrator: test/queries/permissions.test.ts
 * compares random data with a model of the rules.
 */
import { describe, expect, test } from 'vitest'
import type { Seed } from '../dev/seeder.ts'
import type { Vars } from './support/worker/caller'
import { createHarness } from './support/worker/harness'
import type { Fixture } from './support/fixture'

const KEEP = { KEEP_LAST_ADMINISTRATOR: 'true' }

/** The administrator is the last one, except for what is added. */
function setKeeping(seed?: (seed: Seed, fixture: Fixture) => unknown, vars: Vars = KEEP) {
  return createHarness({ vars, seed: (rows, fixture) => void seed?.(rows, fixture) })
}

describe('the last administrator', () => {
  test('cannot remove itself', async () => {
    const { callAs, fixture } = await setKeeping()
    const response = await callAs(fixture.administrator, fixture.administrator)
    expect(response.status).toBe(403)
    expect(response.line.reason).toBe('last_administrator')
    expect((await callAs(fixture.administrator)).status).toBe(200)
  })

  test('cannot be removed by a service account of the organization', async () => {
    const { callAs, fixture } = await setKeeping()
    const response = await callAs(fixture.serviceAccount, fixture.administrator)
    expect(response.line.reason).toBe('last_administrator')
  })

  test('can be removed by a platform administrator', async () => {
    const { callAs, fixture } = await setKeeping()
    expect((await callAs(fixture.platformAdministrator, fixture.administrator)).status).toBe(200)
  })

  test('can remove itself when it is a platform administrator as well', async () => {
    const { callAs, fixture } = await setKeeping((seed, { administrator }) =>
      seed.row('global_role_bindings', {
        user_id: administrator.person.id,
        role_id: 'platform-administrator',
      }),
    )
    expect((await callAs(fixture.administrator, fixture.administrator)).status).toBe(200)
  })
})

test.each([
  ['active', 200],
  ['suspended', 403],
] as const)('%s members count as other administrators: %i', async (state, status) => {
  const { callAs, fixture } = await setKeeping((seed, { organizationID, administrators }) =>
    seed.member(organizationID, { state, groups: [administrators] }),
  )
  expect((await callAs(fixture.administrator, fixture.administrator)).status).toBe(status)
})

test('any other user can be removed, if an administrator stays and if there is none', async () => {
  const { callAs, fixture } = await setKeeping()
  expect((await callAs(fixture.serviceAccount)).status).toBe(200)
  await callAs(fixture.platformAdministrator, fixture.administrator)
  expect((await callAs(fixture.serviceAccount, fixture.plain)).status).toBe(200)
})

test('of three administrators who remove themselves at once one stays', async () => {
  const harness = await setKeeping((seed, { organizationID, administrators }) => {
    for (const subject of ['second', 'third']) {
      seed.member(organizationID, {
        id: subject,
        groups: [administrators],
        personOptions: { subject },
      })
    }
  })
  const { callAs, fixture } = harness
  const { organizationID } = fixture
  const responses = await Promise.all([
    callAs(fixture.administrator, fixture.administrator),
    callAs('second', { organizationID, userID: 'second' }),
    callAs('third', { organizationID, userID: 'third' }),
  ])
  const reasons = responses.map(({ line }) => line.reason)
  expect(reasons.filter((reason) => reason === undefined)).toHaveLength(2)
  expect(reasons.filter((reason) => reason === 'last_administrator')).toHaveLength(1)
})

test.each(['true', 'false'])(
  'of two administrators who remove each other at once one stays: KEEP_LAST_ADMINISTRATOR %s',
  async (KEEP_LAST_ADMINISTRATOR) => {
    const second = `second-${KEEP_LAST_ADMINISTRATOR}`
    const { callAs, fixture } = await setKeeping(
      (seed, { organizationID, administrators }) =>
        seed.member(organizationID, {
          id: second,
          groups: [administrators],
          personOptions: { subject: second },
        }),
      { KEEP_LAST_ADMINISTRATOR },
    )
    const responses = await Promise.all([
      callAs(fixture.administrator, { ...fixture, userID: second }),
      callAs(second, fixture.administrator),
    ])
    const seen = responses.map(({ status, line }) => line.reason ?? String(status))
    expect(seen.toSorted()).toEqual(['200', 'not_permitted'])
  },
)
