/**
 * How a token is presented: the Authorization header and nothing else, its scheme, its size, its form.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { watch } from './support/database'
import { createHarness, type Harness } from './support/worker/harness'
import type { CallResponse } from './support/worker/caller'

const REALM = 'Bearer realm="identity"'
const INVALID = `${REALM}, error="invalid_token", error_description="the access token is invalid"`

/** Calls with an Authorization header in which `T` is a good token. */
async function authorize(text: string): Promise<CallResponse> {
  const { token, call, fixture } = await createHarness()
  const Authorization = text.replaceAll('T', await token(fixture.administrator))
  return call({ ...fixture.target, headers: { Authorization } })
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
    const response = await authorize(text)
    expect(response.status).toBe(401)
    expect(response.headers.get('WWW-Authenticate')).toBe(REALM)
    expect(response.line.reason).toBe('token_missing')
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
    const response = await authorize(text)
    expect(response.status).toBe(401)
    expect(response.headers.get('WWW-Authenticate')).toBe(INVALID)
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
    const { token, call, fixture } = await createHarness()
    const path = `/api/v1/organizations/${fixture.organizationID}/users/${fixture.target.userID}`
    const response = await call(place(await token(fixture.administrator), path))
    expect(response.status).toBe(401)
    expect(response.headers.get('WWW-Authenticate')).toBe(REALM)
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
    const { token, call, fixture } = await createHarness()
    const response = await call({
      ...fixture.target,
      token: damage(await token(fixture.administrator)),
    })
    expect(response.status).toBe(401)
    expect(response.headers.get('WWW-Authenticate')).toBe(INVALID)
    expect(response.line.reason).toBe('jwt_malformed')
  })
})

describe('the size', () => {
  test('of 8 KiB is accepted, and one byte more is not', async () => {
    const harness = await createHarness()
    expect((await callWithSize(harness, 8_192)).status).toBe(200)
    const response = await callWithSize(harness, 8_193)
    expect(response.status).toBe(401)
    expect(response.headers.get('WWW-Authenticate')).toBe(INVALID)
    expect(response.line.reason).toBe('token_oversize')
  })
})

test('a token that is no good costs neither a fetch nor the database', async () => {
  const { db, calls } = watch(env.DB)
  const { call, fixture } = await createHarness({ vars: { DB: db } })
  for (const token of ['', 'x', 'x.y.z', 'a'.repeat(9_000)]) {
    expect((await call({ ...fixture.target, token })).status).toBe(401)
  }
  expect((await call(fixture.target)).status).toBe(401)
  expect(calls).toEqual([])
  expect(fetch).not.toHaveBeenCalled()
})

/** Calls with a good token of exactly `bytes` bytes. */
async function callWithSize(
  { token, call, fixture }: Harness,
  bytes: number,
): Promise<CallResponse> {
  const { length } = await token(fixture.administrator, { claims: { padding: '' } })
  // Three bytes of claims are four of token; what that leaves, the header's own text makes up for.
  for (let inHeader = 0; inHeader < 4; inHeader++) {
    const rest = Math.floor(((bytes - length) * 3) / 4)
    for (let more = -8; more <= 8; more++) {
      const claims = { padding: 'x'.repeat(rest + more) }
      const header = { x: 'x'.repeat(inHeader) }
      const candidate = await token(fixture.administrator, { claims, header })
      if (candidate.length === bytes) return call({ ...fixture.target, token: candidate })
    }
  }
  throw new Error(`no token of ${bytes} bytes was found`)
}
