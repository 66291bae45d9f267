/**
 * Which refusal wins where several are due, and what a caller can tell from the answers it gets: callers that may not
 * learn of each other's data get the same bytes.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { watch } from './support/database'
import type { Answer } from './support/worker/caller'
import { setStage, type Stage, type Subject } from './support/worker/stage'

const ABSENT = 'no-such-organization'
const withScope = { REQUIRED_SCOPE: 'users:delete' }

describe('the configuration comes before everything', () => {
  test.each([
    ['an unknown path', { path: '/nowhere' }],
    ['another method', { method: 'GET', organizationID: 'o', userID: 'u' }],
    ['a preflight', { method: 'OPTIONS', organizationID: 'o', userID: 'u' }],
    ['a call without a token', { organizationID: 'o', userID: 'u' }],
  ])('%s gets 500 while it is wrong', async (_, what) => {
    const { call } = await setStage({ vars: { TOKEN_AUDIENCE: '' } })
    expect((await call(what)).status).toBe(500)
  })
})

describe('route and method come before the token', () => {
  test.each([
    [404, { path: '/nowhere' }],
    [404, { path: '/api/v1/organizations/o/users' }],
    [405, { method: 'GET', organizationID: 'o', userID: 'u' }],
    [204, { method: 'OPTIONS', organizationID: 'o', userID: 'u' }],
  ])('%i without one for %o', async (status, what) => {
    const { call } = await setStage()
    expect((await call(what)).status).toBe(status)
  })
})

describe('401 wins over 403 and 404', () => {
  test('a bad token for a scope, an organization and a user that are wrong, too', async () => {
    const { callWith } = await setStage({ vars: withScope })
    const answer = await callWith(
      { claims: { aud: 'other' } },
      { organizationID: ABSENT, userID: 'nobody' },
    )
    expect(answer.status).toBe(401)
  })

  test('an unknown caller for a user that does not exist', async () => {
    const { callAs, world } = await setStage()
    const { organizationID } = world
    expect((await callAs('a stranger', { organizationID, userID: 'nobody' })).status).toBe(401)
  })

  test('a suspended member without permission', async () => {
    const { callAs } = await setStage({
      seed: (seed, { organizationID }) =>
        void seed.member(organizationID, {
          personOptions: { subject: 'asleep', state: 'suspended' },
        }),
    })
    expect((await callAs('asleep')).status).toBe(401)
  })
})

test('the scope is judged before the caller is looked up, and without the database', async () => {
  const { db, calls } = watch(env.DB)
  const { callAs } = await setStage({ vars: { ...withScope, DB: db } })
  const answer = await callAs('a stranger')
  expect(answer.status).toBe(403)
  expect(answer.line.reason).toBe('scope_lacking')
  expect(calls).toEqual([])
})

test('403 wins over 404: without permission, a user that does not exist is no 404', async () => {
  const { callAs, world } = await setStage()
  const { organizationID } = world
  expect((await callAs(world.auditor, { organizationID, userID: 'nobody' })).status).toBe(403)
})

test('a caller without permission cannot tell what exists', async () => {
  const stage = await setStage({
    seed: (seed, { organizationID, administrators }) =>
      void seed.member(organizationID, {
        state: 'suspended',
        groups: [administrators],
        personOptions: { subject: 'suspended-here' },
      }),
  })
  const { world } = stage
  const here = world.organizationID
  const { otherOrganizationID: elsewhere, otherAdministrator } = world
  const answers = await collectDistinct(stage, [
    [world.auditor, here, world.target.userID],
    [world.auditor, here, 'nobody'],
    [world.auditor, here, otherAdministrator.userID],
    [world.plain, here, world.target.userID],
    [world.administrator, elsewhere, otherAdministrator.userID],
    [world.administrator, elsewhere, 'nobody'],
    [world.administrator, ABSENT, world.target.userID],
    [world.administrator, ABSENT, 'nobody'],
    [world.serviceAccount, elsewhere, otherAdministrator.userID],
    [world.serviceAccount, ABSENT, 'nobody'],
    ['suspended-here', here, world.target.userID],
    ['suspended-here', here, 'nobody'],
  ])
  expect(answers).toEqual([expect.stringMatching(/^\[403,/)])
})

test('a caller with permission gets one 404 for whatever is not a user of the organization', async () => {
  const stage = await setStage()
  const { world } = stage
  const here = world.organizationID
  const answers = await collectDistinct(stage, [
    [world.platformAdministrator, ABSENT, world.target.userID],
    [world.platformAdministrator, ABSENT, 'nobody'],
    [world.platformAdministrator, here, 'nobody'],
    [world.platformAdministrator, here, world.otherAdministrator.userID],
    [world.administrator, here, 'nobody'],
    [world.administrator, here, world.otherAdministrator.userID],
    [world.administrator, here, world.targetElsewhere.userID],
    [world.administrator, here, world.target.person.id],
    [world.administrator, here, world.target.person.subject],
    [world.serviceAccount, here, world.serviceAccount],
  ])
  expect(answers).toEqual([expect.stringMatching(/^\[404,/)])
})

test('nobody can tell an unknown caller from a suspended or a pending one, or from a bad token', async () => {
  const stage = await setStage({
    seed(seed) {
      seed.person({ subject: 'suspended', state: 'suspended' })
      seed.person({ subject: 'pending', state: 'pending' })
    },
  })
  const answers = [
    await stage.callAs('a stranger'),
    await stage.callAs('suspended'),
    await stage.callAs('pending'),
    await stage.callWith({ claims: { aud: 'other' } }),
    await stage.callWith({ header: { kid: 'unknown' } }),
    await stage.call({ ...stage.world.target, token: 'x.y.z' }),
  ]
  expect(new Set(answers.map(bytesOf)).size).toBe(1)
})

/** The answers to some calls, each different one once. */
async function collectDistinct(
  stage: Stage,
  calls: readonly (readonly [who: Subject, organizationID: string, userID: string])[],
): Promise<string[]> {
  const answers = new Set<string>()
  for (const [who, organizationID, userID] of calls) {
    answers.add(bytesOf(await stage.callAs(who, { organizationID, userID })))
  }
  return [...answers]
}

/** Everything that reaches the caller, but the name of the request. */
function bytesOf({ status, headers, body }: Answer): string {
  const fields = [...headers].filter(([name]) => name !== 'x-request-id')
  return JSON.stringify([status, fields, body])
}
