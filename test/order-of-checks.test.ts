/**
 * The configuration is checked first, and callers that may not learn of each other's data get the same bytes. Which
 * error wins over another: service-binding/outcomes.ts.
 */
import { describe, expect, test } from 'vitest'
import type { CallResponse } from './support/worker/caller'
import { createHarness, type Harness } from './support/worker/harness'
import type { Subject, Fixture } from './support/fixture'

describe('the configuration comes before everything', () => {
  test.each([
    ['an unknown path', { path: '/nowhere' }],
    ['another method', { method: 'GET', organizationID: 'o', userID: 'u' }],
    ['a preflight', { method: 'OPTIONS', organizationID: 'o', userID: 'u' }],
    ['a call without a token', { organizationID: 'o', userID: 'u' }],
  ])('%s gets 500 while it is invalid', async (_, what) => {
    const { call } = await createHarness({ vars: { TOKEN_AUDIENCE: '' } })
    expect((await call(what)).status).toBe(500)
  })
})

type Calls = readonly (readonly [caller: Subject, organizationID: string, userID: string])[]

test.each<[string, number, (fixture: Fixture) => Calls]>([
  [
    'a caller without permission cannot tell what exists',
    403,
    (fixture) => {
      const { organizationID: here, otherOrganizationID: elsewhere, otherAdministrator } = fixture
      return [
        [fixture.auditor, here, fixture.target.userID],
        [fixture.auditor, here, 'absent'],
        [fixture.auditor, here, otherAdministrator.userID],
        [fixture.plain, here, fixture.target.userID],
        [fixture.administrator, elsewhere, otherAdministrator.userID],
        [fixture.administrator, elsewhere, 'absent'],
        [fixture.administrator, 'absent', fixture.target.userID],
        [fixture.administrator, 'absent', 'absent'],
        [fixture.serviceAccount, elsewhere, otherAdministrator.userID],
        [fixture.serviceAccount, 'absent', 'absent'],
        [`suspended-in-${here}`, here, fixture.target.userID],
        [`suspended-in-${here}`, here, 'absent'],
      ]
    },
  ],
  [
    'a caller with permission gets one 404 for every ID that is not of a user of the organization',
    404,
    (fixture) => {
      const { organizationID: here, otherAdministrator, target } = fixture
      return [
        [fixture.platformAdministrator, 'absent', target.userID],
        [fixture.platformAdministrator, 'absent', 'absent'],
        [fixture.platformAdministrator, here, 'absent'],
        [fixture.platformAdministrator, here, otherAdministrator.userID],
        [fixture.administrator, here, 'absent'],
        [fixture.administrator, here, otherAdministrator.userID],
        [fixture.administrator, here, fixture.targetElsewhere.userID],
        [fixture.administrator, here, target.person.id],
        [fixture.administrator, here, target.person.subject],
        [fixture.serviceAccount, here, fixture.serviceAccount],
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
  const harness = await createHarness({
    seed(seed, { organizationID, administrators }) {
      for (const state of ['suspended', 'pending'] as const) {
        seed.person({ subject: `${state}-${organizationID}`, state })
      }
      const personOptions = { subject: `suspended-in-${organizationID}` }
      seed.member(organizationID, { state: 'suspended', groups: [administrators], personOptions })
    },
  })
  const seen = new Set<string>()
  for (const [caller, organizationID, userID] of calls(harness.fixture)) {
    seen.add(bytesOf(await harness.callAs(caller, { organizationID, userID })))
  }
  if (status === 401) for (const bytes of await rejectTokens(harness)) seen.add(bytes)
  expect([...seen]).toEqual([expect.stringMatching(`^\\[${status},`)])
})

/** Presents tokens that are rejected before the database is asked. */
async function rejectTokens({ call, callWith, fixture }: Harness): Promise<string[]> {
  return [
    await callWith({ claims: { aud: 'other' } }),
    await callWith({ header: { kid: 'unknown' } }),
    await call({ ...fixture.target, token: 'x.y.z' }),
  ].map(bytesOf)
}

/** Returns everything that reaches the caller, except the ID of the request. */
function bytesOf({ status, headers, body }: CallResponse): string {
  const fields = [...headers].filter(([name]) => name !== 'x-request-id')
  return JSON.stringify([status, fields, body])
}
