/**
 * Which values of the variables and bindings are valid. The log names the first one that is not, and a response never
 * does.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import type { TokenChanges } from '../dev/test-issuer.ts'
import { watch } from './support/database'
import type { Vars } from './support/worker/caller'
import { createHarness, outcomeOf, VALID } from './support/worker/harness'
import { readLog } from './support/worker/log'

const NO_FLAGS = ['TRUE', 'True', 'yes', 'on', '1', '0', 1, 0, 'true false']

const invalid: readonly (readonly [name: string, ...values: unknown[]])[] = [
  ['TOKEN_ISSUER', undefined, null, '', ' \t\n', true, 7, {}],
  ['TOKEN_AUDIENCE', undefined, null, '', ' \t\n', false, ['https://identity.example']],
  ['JWKS_URL', undefined, '', 7, 'issuer.example/jwks', '/jwks', 'https://', 'file:///jwks'],
  ['JWKS_URL', 'ftp://localhost/jwks', 'data:application/json,{}'],
  ['JWKS_URL', 'http://issuer.example/jwks', 'http://127.0.0.1.example/jwks'],
  ['JWKS_URL', 'http://localhost.example/jwks', 'http://128.0.0.1/jwks', 'http://[::2]/jwks'],
  ['JWKS_URL', 'http://0.0.0.0/jwks', 'https://user@issuer.example/jwks'],
  ['JWKS_URL', 'https://user:secret@issuer.example/jwks', 'https://:secret@issuer.example/jwks'],
  ['TOKEN_TYPE', 'at+jwt,JWT', 'at+jwt JWT', 'application/', '/at+jwt', 'a/b/c', '*', 7],
  ['TOKEN_ALGORITHMS', 'none', 'HS256', 'ES256, HS256', 'RS384', 'ES256K', 'es256'],
  ['TOKEN_ALGORITHMS', 'ES256 RS256', 'ES256,', ',', 'ES256,,RS256', ['ES256']],
  ['REQUIRED_SCOPE', 'users:delete users:read', 'a\tb', 'quo"te', 'back\\slash', 'é', true],
  ['CORS_ORIGINS', 'app.example', 'https://app.example/', 'https://app.example/path', 'app://A'],
  ['CORS_ORIGINS', 'https://app.example?x', 'https://App.example', 'HTTPS://app.example'],
  ['CORS_ORIGINS', 'file://'],
  ['CORS_ORIGINS', 'https://app.example:443', 'https://user@app.example', 'https://äpp.example'],
  ['CORS_ORIGINS', 'https://*.example', 'null', '*, https://app.example', 'https://app.example,'],
  ['CORS_ORIGINS', 'https://app.example, *', 'https://app.example https://other.example', 7],
  ['KEEP_LAST_ADMINISTRATOR', ...NO_FLAGS],
  ['MEMBERS_MAY_LEAVE', ...NO_FLAGS],
  ['RECORD_GROUPS', ...NO_FLAGS],
  ['DPOP', 'Accept', 'REQUIRE', 'true', 'none', 'accept require', 'accept,', true, 0, ['accept']],
  ['DELETION_EVENTS', {}, { send: async () => {} }, 'queue', 1],
  ['DELETION_RECORD_DAYS', '0', '-1', '1.5', '1e3', 'x', '1 2', 0, 1.5, true],
  ['DB', undefined, null, {}, 'identity'],
  ['ISSUER', null, {}, 'https://issuer.example'],
]

test.each(invalid.flatMap(([name, ...values]) => values.map((value) => [name, value] as const)))(
  '%s is invalid with the value %j',
  async (name, value) => {
    const { db, calls } = watch(env.DB)
    const { callAs, fixture } = await createHarness({ vars: { DB: db, [name]: value } })
    const response = await callAs(fixture.administrator)
    expect(outcomeOf(response)).toBe(`500 configuration:${name}`)
    expect(response.headers.has('Retry-After')).toBe(false)
    expect(response.body).not.toContain(name)
    expect(calls).toEqual([])
    expect(fetch).not.toHaveBeenCalled()
  },
)

describe('while a variable is invalid', () => {
  const value = 'https://user:secret@issuer.example/jwks'
  test.each([
    ['a deletion', {}],
    ['an unknown path', { path: '/nowhere' }],
    ['another method', { method: 'GET' }],
    ['a preflight', { method: 'OPTIONS' }],
    ['a call without a token', { token: '' }],
  ])('%s gets 500, and its log line has the name without the value', async (_, what) => {
    const { call, fixture, token } = await createHarness({ vars: { JWKS_URL: value } })
    const valid = { ...fixture.target, token: await token(fixture.administrator) }
    expect(outcomeOf(await call({ ...valid, ...what }))).toBe('500 configuration:JWKS_URL')
    expect(readLog()).toHaveLength(1)
    expect(readLog().join()).not.toContain('secret')
  })
})

async function judgeWith(vars: Vars, changes: TokenChanges = {}): Promise<string> {
  const { judge } = await createHarness({ vars })
  return judge(changes)
}

describe('white space around a value does not count', () => {
  test.each<[vars: Vars, changes?: TokenChanges]>([
    [{ TOKEN_AUDIENCE: 'https://identity.example\n' }],
    [{ TOKEN_AUDIENCE: '\t https://identity.example \r\n' }],
    [{ TOKEN_TYPE: ' at+jwt\n' }],
    [{ TOKEN_ALGORITHMS: ' ES256 ,\tRS256\n' }],
    [{ KEEP_LAST_ADMINISTRATOR: 'false\n' }],
    [{ CORS_ORIGINS: ' https://app.example ,\n https://other.example ' }],
    [{ CORS_ORIGINS: ' * ' }],
    [{ DPOP: ' accept\n' }],
    [{ REQUIRED_SCOPE: ' users:delete\n' }, { claims: { scope: 'users:delete' } }],
  ])('%j', async (vars, changes) => {
    expect(await judgeWith(vars, changes)).toBe(VALID)
  })

  test('TOKEN_ISSUER and JWKS_URL', async () => {
    const { issuer } = await createHarness()
    const { TOKEN_ISSUER, JWKS_URL } = issuer.vars
    const vars = { TOKEN_ISSUER: ` ${TOKEN_ISSUER}\n`, JWKS_URL: `${JWKS_URL}\n` }
    const { judge } = await createHarness({ issuer, vars })
    expect(await judge({})).toBe(VALID)
  })
})

const REQUIRED = ['TOKEN_ISSUER', 'TOKEN_AUDIENCE', 'JWKS_URL', 'DB']
const OTHER_BINDINGS = ['ISSUER', 'DELETION_EVENTS']
const names = new Set(invalid.map(([name]) => name))
const optional = [...names].filter((name) => ![...REQUIRED, ...OTHER_BINDINGS].includes(name))

test.each(optional)('%s has its default if it is empty, blank or missing', async (name) => {
  for (const value of ['', ' \n', undefined]) {
    expect(await judgeWith({ [name]: value })).toBe(VALID)
  }
})

describe('JWKS_URL may use http', () => {
  test.each(['localhost', '127.0.0.1', '127.1.2.3', '[::1]', 'LOCALHOST', 'localhost:8080'])(
    'to the loopback host %s',
    async (host) => {
      // The URL is valid, and no server listens there.
      expect(await judgeWith({ JWKS_URL: `http://${host}/jwks` })).toBe('500 jwks_unavailable')
    },
  )

  test('to any host if a binding carries the fetch, but never with a password', async () => {
    const ISSUER = { fetch: async () => new Response('{}') }
    const withBinding = (JWKS_URL: string) => judgeWith({ ISSUER, JWKS_URL })
    expect(await withBinding('http://issuer.internal/jwks')).toBe('500 jwks_unavailable')
    expect(await withBinding('http://a:b@issuer.internal/jwks')).toBe('500 configuration:JWKS_URL')
  })
})

test.each([
  [true, '403 last_administrator'],
  ['true', '403 last_administrator'],
  [false, '200'],
  ['false', '200'],
  ['', '200'],
  [undefined, '200'],
])('with KEEP_LAST_ADMINISTRATOR %j the last administrator gets %s', async (value, outcome) => {
  const { callAs, fixture } = await createHarness({ vars: { KEEP_LAST_ADMINISTRATOR: value } })
  expect(outcomeOf(await callAs(fixture.administrator, fixture.administrator))).toBe(outcome)
})

test('compares TOKEN_ISSUER and TOKEN_AUDIENCE with the claims, and JWKS_URL with none', async () => {
  const claims = { iss: 'urn:example:issuer', aud: 'urn:example:audience' }
  const vars = { TOKEN_ISSUER: claims.iss, TOKEN_AUDIENCE: claims.aud }
  expect(await judgeWith(vars, { claims })).toBe(VALID)
  expect(await judgeWith(vars)).toBe('401 jwt_issuer_mismatch')
})

test('keeps two environments in one isolate apart', async () => {
  const first = await createHarness()
  const second = await createHarness()
  const token = await first.token(first.fixture.administrator)
  expect((await second.call({ ...first.fixture.target, token })).status).toBe(401)
  expect((await first.call({ ...first.fixture.target, token })).status).toBe(200)
})
