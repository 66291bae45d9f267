/**
 * What the Worker can be told, and that it says which variable is wrong, and never to a caller.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { watch } from './support/database'
import { readLog } from './support/worker/log'
import type { Vars } from './support/worker/caller'
import { ACCEPTED } from './support/worker/key-harness'
import { createHarness } from './support/worker/harness'

const NO_FLAGS = ['TRUE', 'True', 'yes', 'on', '1', '0', 1, 0, 'true false']

const invalid: Readonly<Record<string, readonly unknown[]>> = {
  TOKEN_ISSUER: [undefined, null, '', ' \t\n', true, 7, {}],
  TOKEN_AUDIENCE: [undefined, null, '', ' \t\n', false, ['https://identity.example']],
  JWKS_URL: [
    undefined,
    '',
    'issuer.example/jwks',
    '/jwks',
    'https://',
    'ftp://issuer.example/jwks',
    'file:///jwks',
    'data:application/json,{}',
    'http://issuer.example/jwks',
    'http://127.0.0.1.example/jwks',
    'http://localhost.example/jwks',
    'http://128.0.0.1/jwks',
    'http://[::2]/jwks',
    'http://0.0.0.0/jwks',
    'https://user@issuer.example/jwks',
    'https://user:secret@issuer.example/jwks',
    'https://:secret@issuer.example/jwks',
    7,
  ],
  TOKEN_TYPE: [
    'at+jwt, JWT',
    'at+jwt JWT',
    'at+jwt,JWT',
    'application/',
    '/at+jwt',
    'a/b/c',
    '*',
    7,
  ],
  TOKEN_ALGORITHMS: [
    'none',
    'HS256',
    'ES256, HS256',
    'RS384',
    'ES256K',
    'es256',
    'ES256 RS256',
    'ES256,',
    ',',
    'ES256,,RS256',
    ['ES256'],
  ],
  REQUIRED_SCOPE: ['users:delete users:read', 'a\tb', 'quo"te', 'back\\slash', 'é', true],
  CORS_ORIGINS: [
    'app.example',
    'https://app.example/',
    'https://app.example/path',
    'https://app.example?x',
    'https://App.example',
    'HTTPS://app.example',
    'https://app.example:443',
    'https://user@app.example',
    'https://äpp.example',
    'https://*.example',
    'null',
    '*, https://app.example',
    'https://app.example, *',
    'https://app.example,',
    'https://app.example https://other.example',
    7,
  ],
  KEEP_LAST_ADMINISTRATOR: NO_FLAGS,
  MEMBERS_MAY_LEAVE: NO_FLAGS,
  RECORD_GROUPS: NO_FLAGS,
  DPOP: ['Accept', 'REQUIRE', 'true', 'none', 'accept require', 'accept,', true, 0, ['accept']],
  DELETION_EVENTS: [{}, { send: async () => {} }, 'queue', 1],
  DELETION_RECORD_DAYS: ['0', '-1', '1.5', '1e3', 'x', '1 2', 0, 1.5, true],
  DB: [undefined, null, {}, 'identity'],
  ISSUER: [null, {}, 'https://issuer.example'],
}

describe.each(Object.entries(invalid))('%s is invalid', (name, values) => {
  test.each(values.map((value) => [value]))('as %j', async (value) => {
    const { db, calls } = watch(env.DB)
    const { callAs, fixture } = await createHarness({ vars: { DB: db, [name]: value } })
    const response = await callAs(fixture.administrator)
    expect(response.status).toBe(500)
    expect(response.headers.has('Retry-After')).toBe(false)
    expect(response.line.reason).toBe(`configuration:${name}`)
    expect(response.body).not.toContain(name)
    expect(calls).toEqual([])
    expect(fetch).not.toHaveBeenCalled()
  })
})

test('the value of a wrong variable is not logged, and each request names the variable', async () => {
  const value = 'https://user:secret@issuer.example/jwks'
  const { callAs, fixture } = await createHarness({ vars: { JWKS_URL: value } })
  await callAs(fixture.administrator)
  await callAs(fixture.administrator, { path: '/nowhere' })
  expect(readLog()).toHaveLength(2)
  expect(readLog().join()).not.toContain('secret')
  expect(readLog().every((text) => text.includes('"reason":"configuration:JWKS_URL"'))).toBe(true)
})

async function callWithVars(vars: Vars, changes = {}): Promise<number> {
  const { callWith, fixture } = await createHarness({ vars })
  const response = await callWith(changes, { ...fixture, userID: 'no-such-user' })
  return response.status
}

describe('white space around a value is not part of it', () => {
  test.each([
    { TOKEN_AUDIENCE: 'https://identity.example\n' },
    { TOKEN_AUDIENCE: '\t https://identity.example \r\n' },
    { TOKEN_TYPE: ' at+jwt\n' },
    { TOKEN_ALGORITHMS: ' ES256 ,\tRS256\n' },
    { KEEP_LAST_ADMINISTRATOR: 'false\n' },
    { CORS_ORIGINS: ' https://app.example ,\n https://other.example ' },
    { CORS_ORIGINS: ' * ' },
    { DPOP: ' accept\n' },
  ])('%j', async (vars) => {
    expect(await callWithVars(vars)).toBe(ACCEPTED)
  })

  test('nor around the required ones', async () => {
    const { issuer } = await createHarness()
    const { TOKEN_ISSUER, JWKS_URL } = issuer.vars
    const vars = { TOKEN_ISSUER: ` ${TOKEN_ISSUER}\n`, JWKS_URL: `${JWKS_URL}\n` }
    const { callAs, fixture } = await createHarness({ issuer, vars })
    expect((await callAs(fixture.administrator)).status).toBe(200)
  })

  test('nor around the scope', async () => {
    const vars = { REQUIRED_SCOPE: ' users:delete\n' }
    expect(await callWithVars(vars, { claims: { scope: 'users:delete' } })).toBe(ACCEPTED)
    expect(await callWithVars(vars)).toBe(403)
  })
})

describe('an optional variable that is empty, blank or missing has its default', () => {
  const optional = [
    'TOKEN_TYPE',
    'TOKEN_ALGORITHMS',
    'REQUIRED_SCOPE',
    'CORS_ORIGINS',
    'KEEP_LAST_ADMINISTRATOR',
    'MEMBERS_MAY_LEAVE',
    'RECORD_GROUPS',
    'DPOP',
  ]
  test.each(optional.flatMap((name) => ['', ' \n', undefined].map((value) => ({ [name]: value }))))(
    '%j',
    async (vars) => {
      expect(await callWithVars(vars)).toBe(ACCEPTED)
    },
  )
})

describe('JWKS_URL over http', () => {
  test.each(['localhost', '127.0.0.1', '127.1.2.3', '[::1]', 'LOCALHOST', 'localhost:8080'])(
    'is right to the loopback host %s',
    async (host) => {
      const { callAs, fixture } = await createHarness({ vars: { JWKS_URL: `http://${host}/jwks` } })
      // Nothing answers there, which is no longer a matter of configuration.
      expect((await callAs(fixture.administrator)).line.reason).toBe('jwks_unavailable')
    },
  )

  test('is right to any host where a binding carries the fetch, but never with a password', async () => {
    const ISSUER = { fetch: async () => new Response('{}') }
    const reasons: unknown[] = []
    for (const JWKS_URL of ['http://issuer.internal/jwks', 'http://a:b@issuer.internal/jwks']) {
      const { callAs, fixture } = await createHarness({ vars: { ISSUER, JWKS_URL } })
      reasons.push((await callAs(fixture.administrator)).line.reason)
    }
    expect(reasons).toEqual(['jwks_unavailable', 'configuration:JWKS_URL'])
  })
})

test.each([
  [true, 403],
  ['true', 403],
  [false, 200],
  ['false', 200],
  ['', 200],
  [undefined, 200],
])('KEEP_LAST_ADMINISTRATOR %j: the last administrator gets %i', async (value, status) => {
  const { callAs, fixture } = await createHarness({ vars: { KEEP_LAST_ADMINISTRATOR: value } })
  expect((await callAs(fixture.administrator, fixture.administrator)).status).toBe(status)
})

test('TOKEN_ISSUER and TOKEN_AUDIENCE are compared with the claims, JWKS_URL is not', async () => {
  const claims = { iss: 'urn:example:issuer', aud: 'urn:example:audience' }
  const vars = { TOKEN_ISSUER: claims.iss, TOKEN_AUDIENCE: claims.aud }
  expect(await callWithVars(vars, { claims })).toBe(ACCEPTED)
  expect(await callWithVars(vars)).toBe(401)
})

test('two environments in one isolate are kept apart', async () => {
  const first = await createHarness()
  const second = await createHarness()
  const token = await first.token(first.fixture.administrator)
  expect((await second.call({ ...first.fixture.target, token })).status).toBe(401)
  expect((await first.call({ ...first.fixture.target, token })).status).toBe(200)
})
