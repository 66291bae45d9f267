/**
 * Callers that must not learn of each other's data get the same bytes. Which error comes first if there are several:
 * service-binding/outcomes.ts.
 */
import { expect, test } from 'vitest'
import type { Subject, Fixture } from './support/fixture'
import type { CallResponse } from './support/worker/caller'
import { createHarness } from './support/worker/harness'

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
    'a caller with permission gets one 404 for every ID that is no user of the organization',
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
    'a caller cannot tell whether it is unknown, suspended or pending, or its token invalid',
    401,
    ({ organizationID, target: { userID } }) => [
      ['a stranger', organizationID, userID],
      [`suspended-${organizationID}`, organizationID, userID],
      [`pending-${organizationID}`, organizationID, userID],
    ],
  ],
])('%s', async (_, status, calls) => {
  const { callAs, callWith, fixture } = await createHarness({
    seed(seed, { organizationID, administrators }) {
      for (const state of ['suspended', 'pending'] as const) {
        seed.person({ subject: `${state}-${organizationID}`, state })
      }
      const personOptions = { subject: `suspended-in-${organizationID}` }
      seed.member(organizationID, { state: 'suspended', groups: [administrators], personOptions })
    },
  })
  const seen = new Set<string>()
  for (const [caller, organizationID, userID] of calls(fixture)) {
    seen.add(bytesOf(await callAs(caller, { organizationID, userID })))
  }
  if (status === 401) {
    for (const changes of [
      { claims: { aud: 'x' } },
      { header: { kid: 'x' } },
      { headerText: '' },
    ]) {
      seen.add(bytesOf(await callWith(changes)))
    }
  }
  expect([...seen]).toEqual([expect.stringMatching(`^\\[${status},`)])
})

/** Everything that reaches the caller, except the ID of the request. */
function bytesOf({ status, headers, body }: CallResponse): string {
  const fields = [...headers].filter(([name]) => name !== 'x-request-id')
  return JSON.stringify([status, fields, body])
}
