/**
 * Whether a token has the scope that the deployment asks for: where it is looked for, and in which forms.
 */
import { expect, test } from 'vitest'
import type { Answer } from './support/worker/caller'
import { setStage } from './support/worker/stage'

async function present(claims: object, REQUIRED_SCOPE = 'users:delete'): Promise<Answer> {
  const { callWith, world } = await setStage({ vars: { REQUIRED_SCOPE } })
  return callWith({ claims: { ...claims } }, { ...world, userID: 'nobody' })
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
  const answer = await present(claims)
  expect(answer.status).toBe(403)
  expect(answer.headers.get('WWW-Authenticate')).toBe(
    'Bearer realm="identity", error="insufficient_scope", scope="users:delete"',
  )
  expect(answer.line.reason).toBe('scope_lacking')
})

test('no scope is asked for by default', async () => {
  expect((await present({}, '')).status).toBe(404)
})

test('having it replaces no permission', async () => {
  const { token, call, world } = await setStage({ vars: { REQUIRED_SCOPE: 'users:delete' } })
  const claims = { scope: 'users:delete' }
  const answer = await call({ ...world.target, token: await token(world.auditor, { claims }) })
  expect(answer.status).toBe(403)
  expect(answer.line.reason).toBe('not_permitted')
})
