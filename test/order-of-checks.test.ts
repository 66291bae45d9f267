/**
 * The configuration is checked first, and callers that may not learn of each other's data get the same bytes. Which
 * error wins over another: service-binding/outcomes.ts.
 */
import { describe, expect, test } from 'vitest'
import type { Answer } from './support/worker/caller'
import { setStage, type Stage } from './support/worker/stage'
import type { Subject, World } from './support/world'

describe('the configuration comes before everything', () => {
  test.each([
    ['an unknown path', { path: '/nowhere' }],
    ['another method', { method: 'GET', organizationID: 'o', userID: 'u' }],
    ['a preflight', { method: 'OPTIONS', organizationID: 'o', userID: 'u' }],
    ['a call without a token', { organizationID: 'o', userID: 'u' }],
  ])('%s gets 500 while it is invalid', async (_, what) => {
    const { call } = await setStage({ vars: { TOKEN_AUDIENCE: '' } })
    expect((await call(what)).status).toBe(500)
  })
})

type Calls = readonly (readonly [caller: Subject, organizationID: string, userID: string])[]

test.each<[string, number, (world: World) => Calls]>([
  [
    'a caller without permission cannot tell what exists',
    403,
    (world) => {
      const { organizationID: here, otherOrganizationID: elsewhere, otherAdministrator } = world
      return [
        [world.auditor, here, world.target.userID],
        [world.auditor, here, 'absent'],
        [world.auditor, here, otherAdministrator.userID],
        [world.plain, here, world.target.userID],
        [world.administrator, elsewhere, otherAdministrator.userID],
        [world.administrator, elsewhere, 'absent'],
        [world.administrator, 'absent', world.target.userID],
        [world.administrator, 'absent', 'absent'],
        [world.serviceAccount, elsewhere, otherAdministrator.userID],
        [world.serviceAccount, 'absent', 'absent'],
        [`suspended-in-${here}`, here, world.target.userID],
        [`suspended-in-${here}`, here, 'absent'],
      ]
    },
  ],
  [
    'a caller with permission gets one 404 for every ID that is not of a user of the organization',
    404,
    (world) => {
      const { organizationID: here, otherAdministrator, target } = world
      return [
        [world.platformAdministrator, 'absent', target.userID],
        [world.platformAdministrator, 'absent', 'absent'],
        [world.platformAdministrator, here, 'absent'],
        [world.platformAdministrator, here, otherAdministrator.userID],
        [world.administrator, here, 'absent'],
        [world.administrator, here, otherAdministrator.userID],
        [world.administrator, here, world.targetElsewhere.userID],
        [world.administrator, here, target.person.id],
        [world.administrator, here, target.person.subject],
        [world.serviceAccount, here, world.serviceAccount],
      ]
    },
  ],
  [
    'a caller cannot tell whether it is unknown, suspended or pending',
    401,
    ({ organizationID, target: { userID } }) => [
      ['a stranger', organizationID, userID],
      [`suspended-${organizationID}`, organizationID, userID],
      [`pending-${organizationID}`, organizationID, userID],
    ],
  ],
])('%s', async (_, status, calls) => {
  const stage = await setStage({
    seed(seed, { organizationID, administrators }) {
      for (const state of ['suspended', 'pending'] as const) {
        seed.person({ subject: `${state}-${organizationID}`, state })
      }
      const personOptions = { subject: `suspended-in-${organizationID}` }
      seed.member(organizationID, { state: 'suspended', groups: [administrators], personOptions })
    },
  })
  const seen = new Set<string>()
  for (const [caller, organizationID, userID] of calls(stage.world)) {
    seen.add(bytesOf(await stage.callAs(caller, { organizationID, userID })))
  }
  if (status === 401) for (const bytes of await rejectTokens(stage)) seen.add(bytes)
  expect([...seen]).toEqual([expect.stringMatching(`^\\[${status},`)])
})

/** Presents tokens that are rejected before the database is asked. */
async function rejectTokens({ call, callWith, world }: Stage): Promise<string[]> {
  return [
    await callWith({ claims: { aud: 'other' } }),
    await callWith({ header: { kid: 'unknown' } }),
    await call({ ...world.target, token: 'x.y.z' }),
  ].map(bytesOf)
}

/** Returns everything that reaches the caller, except the ID of the request. */
function bytesOf({ status, headers, body }: Answer): string {
  const fields = [...headers].filter(([name]) => name !== 'x-request-id')
  return JSON.stringify([status, fields, body])
}
