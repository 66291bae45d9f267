/**
 * How a token is presented: the Authorization header and nothing else, its scheme, its size, its form.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { watch } from './support/database'
import { setStage, type Stage } from './support/worker/stage'
import type { Answer } from './support/worker/caller'

const REALM = 'Bearer realm="identity"'
const INVALID = `${REALM}, error="invalid_token", error_description="the access token is invalid"`

/** Calls with an Authorization header in which `T` is a good token. */
async function authorize(text: string): Promise<Answer> {
  const { token, call, world } = await setStage()
  const Authorization = text.replaceAll('T', await token(world.administrator))
  return call({ ...world.target, headers: { Authorization } })
}

describe('the scheme', () => {
  test.each(['Bearer T', 'bearer T', 'BEARER T', 'bEaReR T'])('%j is Bearer', async (text) => {
    expect((await authorize(text)).status).toBe(200)
  })

  test.each(['Bearer  T', 'Bearer      T', '  Bearer T', 'Bearer T  \t'])(
    'may have blanks beside it: %j',
    async (text) => {
      expect((await authorize(text)).status).toBe(200)
    },
  )

  test.each([
    'T',
    'Basic T',
    'DPoP T',
    'Bearers T',
    'Bear T',
    'Token Bearer T',
    ' ',
    ',Bearer T',
    'Bearer',
    'Bearer ',
  ])('%j holds no bearer token', async (text) => {
    const answer = await authorize(text)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('WWW-Authenticate')).toBe(REALM)
    expect(answer.line.reason).toBe('token_missing')
  })

  test.each([
    'Bearer\tT',
    'Bearer \tT',
    'Bearer T T',
    'Bearer T, Bearer T',
    'Bearer T,',
    'Bearer "T"',
    'Bearer token=T',
    'Bearer Bearer T',
    'Bearer=T',
    'Bearer:T',
  ])('%j is Bearer with something that is no token', async (text) => {
    const answer = await authorize(text)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('WWW-Authenticate')).toBe(INVALID)
  })
})

describe('a token in another place than the Authorization header', () => {
  test.each<[string, (token: string, path: string) => object]>([
    ['the query', (token, path) => ({ path: `${path}?access_token=${token}` })],
    ['a cookie', (token, path) => ({ path, headers: { Cookie: `access_token=${token}` } })],
    ['X-Access-Token', (token, path) => ({ path, headers: { 'X-Access-Token': token } })],
    [
      'Proxy-Authorization',
      (token, path) => ({ path, headers: { 'Proxy-Authorization': `Bearer ${token}` } }),
    ],
    [
      'a form in the body',
      (token, path) => ({ path, body: new URLSearchParams({ access_token: token }) }),
    ],
  ])('is not seen: %s', async (_, place) => {
    const { token, call, world } = await setStage()
    const path = `/api/v1/organizations/${world.organizationID}/users/${world.target.userID}`
    const answer = await call(place(await token(world.administrator), path))
    expect(answer.status).toBe(401)
    expect(answer.headers.get('WWW-Authenticate')).toBe(REALM)
  })
})

describe('the form', () => {
  const damaged: [string, (token: string) => string][] = [
    ['padding', (token) => `${token}=`],
    ['a fourth part', (token) => `${token}.x`],
    ['two parts', (token) => token.split('.').slice(0, 2).join('.')],
    ['an empty payload', (token) => token.replace(/\..*\./, '..')],
    ['no dots', (token) => token.replaceAll('.', '')],
    ['base64 in place of base64url', (token) => token.replace(/^./, '+')],
    ['a line break inside', (token) => `${token.slice(0, 9)}%0A${token.slice(9)}`],
    ['five parts, as an encrypted token', (token) => `${token}.x.x`],
  ]
  test.each(damaged)('with %s is malformed', async (_, damage) => {
    const { token, call, world } = await setStage()
    const answer = await call({ ...world.target, token: damage(await token(world.administrator)) })
    expect(answer.status).toBe(401)
    expect(answer.headers.get('WWW-Authenticate')).toBe(INVALID)
    expect(answer.line.reason).toBe('jwt_malformed')
  })
})

describe('the size', () => {
  test('of 8 KiB is accepted, and one byte more is not', async () => {
    const stage = await setStage()
    expect((await callWithSize(stage, 8_192)).status).toBe(200)
    const answer = await callWithSize(stage, 8_193)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('WWW-Authenticate')).toBe(INVALID)
    expect(answer.line.reason).toBe('token_oversize')
  })
})

test('a token that is no good costs neither a fetch nor the database', async () => {
  const { db, calls } = watch(env.DB)
  const { call, world } = await setStage({ vars: { DB: db } })
  for (const token of ['', 'x', 'x.y.z', 'a'.repeat(9_000)]) {
    expect((await call({ ...world.target, token })).status).toBe(401)
  }
  expect((await call(world.target)).status).toBe(401)
  expect(calls).toEqual([])
  expect(fetch).not.toHaveBeenCalled()
})

/** Calls with a good token of exactly `bytes` bytes. */
async function callWithSize({ token, call, world }: Stage, bytes: number): Promise<Answer> {
  const { length } = await token(world.administrator, { claims: { padding: '' } })
  // Three bytes of claims are four of token; what that leaves, the header's own text makes up for.
  for (let inHeader = 0; inHeader < 4; inHeader++) {
    const rest = Math.floor(((bytes - length) * 3) / 4)
    for (let more = -8; more <= 8; more++) {
      const claims = { padding: 'x'.repeat(rest + more) }
      const header = { x: 'x'.repeat(inHeader) }
      const candidate = await token(world.administrator, { claims, header })
      if (candidate.length === bytes) return call({ ...world.target, token: candidate })
    }
  }
  throw new Error(`no token of ${bytes} bytes was found`)
}
