/**
 * Whether a token has the scope that the deployment asks for: where it is looked for, and in which forms.
 */
import { expect, test } from 'vitest'
import type { CallResponse } from './support/worker/caller'
import { createHarness } from './support/worker/harness'

async function present(claims: object, REQUIRED_SCOPE = 'users:delete'): Promise<CallResponse> {
  const { callWith, fixture } = await createHarness({ vars: { REQUIRED_SCOPE } })
  return callWith({ claims: { ...claims } }, { ...fixture, userID: 'no-such-user' })
}

test.each([
  [{ scope: 'users:delete' }],
  [{ scope: 'openid users:delete profile' }],
  [{ scope: ['openid', 'users:delete'] }],
  [{ scp: 'openid users:delete' }],
  [{ scp: ['users:delete'] }],
  [{ scope: 'users:delete', scp: 'openid' }],
  [{ scope: ['users:delete', 7] }],
])('%j has it', async (claims) => {
  expect((await present(claims)).status).toBe(404)
})

test.each([
  [{}],
  [{ scope: '' }],
  [{ scope: 'openid' }],
  [{ scope: 'users:delete:all' }],
  [{ scope: 'my-users:delete' }],
  [{ scope: 'Users:Delete' }],
  [{ scope: 'users:delete,openid' }],
  [{ scope: 'openid\tusers:delete' }],
  [{ scope: [] }],
  [{ scope: ['openid users:delete'] }],
  [{ scope: [['users:delete']] }],
  [{ scope: { 'users:delete': true } }],
  [{ scope: 7 }],
  [{ scope: null }],
  [{ scope: 'openid', scp: 'users:delete' }],
  [{ scope: null, scp: 'users:delete' }],
  [{ scopes: 'users:delete' }],
])('%j lacks it', async (claims) => {
  const response = await present(claims)
  expect(response.status).toBe(403)
  expect(response.headers.get('WWW-Authenticate')).toBe(
    'Bearer realm="identity", error="insufficient_scope", scope="users:delete"',
  )
  expect(response.line.reason).toBe('scope_lacking')
})

test('no scope is asked for by default', async () => {
  expect((await present({}, '')).status).toBe(404)
})

test('having it replaces no permission', async () => {
  const { token, call, fixture } = await createHarness({ vars: { REQUIRED_SCOPE: 'users:delete' } })
  const claims = { scope: 'users:delete' }
  const response = await call({
    ...fixture.target,
    token: await token(fixture.auditor, { claims }),
  })
  expect(response.status).toBe(403)
  expect(response.line.reason).toBe('not_permitted')
})
