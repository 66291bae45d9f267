/**
 * Callers that must not learn of each other's data get the same bytes. Which error comes first if there are several:
 * service-binding/outcomes.ts.
 */
import { expect, test } from 'vitest'
import type { Subject } from './support/fixture'
import type { CallResponse } from './support/worker/caller'
import { createHarness } from './support/worker/harness'

const states = ['suspended', 'pending'] as const

test('responses with the same status have the same bytes, whatever the reason', async () => {
  const { callAs, callWith, fixture } = await createHarness({
    seed(seed, { organizationID, administrators }) {
      for (const state of states) {
        seed.person({ subject: state, state })
        const personOptions = { subject: `${state}-member` }
        seed.member(organizationID, { state, groups: [administrators], personOptions })
      }
    },
  })
  const { organizationID: here, otherOrganizationID: elsewhere } = fixture
  const { administrator, platformAdministrator, serviceAccount, target } = fixture
  const members = [fixture.auditor, fixture.plain, ...states.map((state) => `${state}-member`)]
  const others = [fixture.otherAdministrator.userID, fixture.targetElsewhere.userID, 'absent']
  const { id, subject } = target.person

  const seen = new Map<number, Set<string>>()
  const add = (status: number, response: CallResponse) => {
    seen.set(status, (seen.get(status) ?? new Set()).add(bytesOf(response)))
    expect(response.status).toBe(status)
  }
  /** Each caller asks for each user in each organization. */
  const calls: readonly [
    status: number,
    callers: Subject[],
    organizations: string[],
    users: string[],
  ][] = [
    // Without permission a caller cannot tell what exists.
    [403, members, [here], [target.userID, ...others]],
    [403, [administrator, serviceAccount], [elsewhere, 'absent'], [target.userID, ...others]],
    // With permission it cannot tell what exists elsewhere.
    [404, [administrator, platformAdministrator], [here], [...others, id, subject]],
    [404, [serviceAccount], [here], [...others, serviceAccount]],
    [404, [platformAdministrator], ['absent'], [...others, target.userID]],
    // An unknown caller cannot tell that it is unknown.
    [401, ['a stranger', ...states], [here], [target.userID]],
  ]
  for (const [status, callers, organizations, users] of calls) {
    for (const caller of callers) {
      for (const organizationID of organizations) {
        for (const userID of users) {
          add(status, await callAs(caller, { organizationID, userID }))
        }
      }
    }
  }
  for (const changes of [{ claims: { aud: 'x' } }, { header: { kid: 'x' } }, { headerText: '' }]) {
    add(401, await callWith(changes))
  }
  expect([...seen.values()].map(({ size }) => size)).toEqual([1, 1, 1])
})

/** Everything that reaches the caller, except the ID of the request. */
function bytesOf({ status, headers, body }: CallResponse): string {
  const fields = [...headers].filter(([name]) => name !== 'x-request-id')
  return JSON.stringify([status, fields, body])
}
