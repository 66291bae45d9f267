/**
 * Situations from public bug reports of others who do this job, with the answers that are right here. What needs a socket
 * or another Worker stands in deployed/; tables that a later migration rebuilds, in operations/migrations.test.ts.
 */
import { env, exports } from 'cloudflare:workers'
import { describe, expect, onTestFinished, test } from 'vitest'
import { watch } from './support/database'
import { breakConnection, withBody } from './support/jwks-answers'
import type { Answer, Vars } from './support/worker/caller'
import { MINUTE, passTime, stopClock } from './support/worker/clock'
import { ACCEPTED, setKeyStage } from './support/worker/key-stage'
import { setStage, type Stage } from './support/worker/stage'

const now = (): number => Math.floor(Date.now() / 1_000)

test('clients escape what need not be escaped (eleboucher/memini#10)', async () => {
  const { callAs, world } = await setStage({
    seed: (seed, { organizationID }) =>
      void seed.member(organizationID, { id: 'auth0|abc:def@x,y;z' }),
  })
  const path = `/api/v1/organizations/${world.organizationID}/users/auth0%7cabc%3Adef%40x%2Cy%3bz`
  const answer = await callAs(world.administrator, { path })
  expect(answer.status).toBe(200)
  expect(answer.line.scope?.userID).toBe('auth0|abc:def@x,y;z')
})

test('the issuer’s file was saved with a byte order mark (instructure/canvas-lms#2639)', async () => {
  const { endpoint, issuer, present } = await setKeyStage()
  const text = new TextEncoder().encode(issuer.jwks())
  endpoint.answer = withBody(new Uint8Array([0xef, 0xbb, 0xbf, ...text]))
  expect((await present()).status).toBe(ACCEPTED)
})

test('the issuer answers, but with nothing to verify with (SAP/cloud-security-services-integration-library#1241)', async () => {
  stopClock()
  const { publish, issuer, present, fetches } = await setKeyStage()
  await present()
  passTime(10 * MINUTE)
  publish({ ...issuer.keys[0].publicJWK, use: 'enc' })
  await present()
  expect(fetches()).toBe(2)
  expect((await present()).status).toBe(ACCEPTED)
})

describe('times are JSON numbers, not integers (envoyproxy/envoy#28201, panva/openid-client#263)', () => {
  test.each([
    () => '"exp":1.9e10',
    () => '"iat":1.688117968E9',
    () => `"exp":${now() + 60}.336421`,
    () => `"nbf":${now() - 1}.5`,
  ])('%#', async (member) => {
    const { issuer, callWith, world } = await setStage()
    const claims = JSON.stringify(issuer.claims(world.administrator.person.subject))
    const payloadText = `${claims.slice(0, -1)},${member()}}`
    expect((await callWith({ payloadText }, { ...world, userID: 'nobody' })).status).toBe(404)
  })
})

test.each([20, 3_600])(
  'the issuer’s clock is ahead by %i s (jpadilla/pyjwt#854, lcobucci/jwt#191)',
  async (ahead) => {
    const { callWith, world } = await setStage()
    const claims = { iat: now() + ahead, nbf: undefined }
    expect((await callWith({ claims }, { ...world, userID: 'nobody' })).status).toBe(404)
  },
)

test.each([
  'auth0|5f7c8ec7c33c6c004bbafe82',
  "o'neil+test@sub.example",
  `CN=Zoë 中文,OU=${'x'.repeat(300)},O="A \\ B"`,
])('subjects have odd characters, or are long: %s (suitenumerique/meet#1609)', async (subject) => {
  const { callAs, world } = await setStage({
    seed: (seed, { organizationID, administrators }) =>
      void seed.member(organizationID, { groups: [administrators], personOptions: { subject } }),
  })
  const answer = await callAs(subject)
  expect(answer.status).toBe(200)
  expect(answer.line.actor?.subject).toBe(subject)
  expect(world.target.person.subject).not.toBe(subject)
})

describe('there are odd members in the list of audiences (auth0/java-jwt#674, clerk/javascript#8470)', () => {
  const ours = 'https://identity.example'
  test.each([
    [[null, ours], 404],
    [[7, ours], 404],
    [[{}, [], ours], 404],
    [[ours, ours], 404],
    [[null], 401],
    [[7], 401],
    [[[ours]], 401],
  ])('%j gets %i', async (aud, status) => {
    const { callWith, world } = await setStage()
    const answer = await callWith({ claims: { aud } }, { ...world, userID: 'nobody' })
    expect(answer.status).toBe(status)
  })
})

describe('a page could not read why its call failed (zitadel/zitadel#6634, apex/up#661)', () => {
  const Origin = 'https://app.example'
  const headers = { Origin }
  const withToken = async ({ call, token, world }: Stage, who: 'administrator' | 'auditor') =>
    call({ ...world, userID: 'nobody', headers, token: await token(world[who]) })

  test.each<[string, number, (stage: Stage) => Promise<Answer>]>([
    ['no token', 401, ({ call, world }) => call({ ...world.target, headers })],
    ['a bad token', 401, ({ call, world }) => call({ ...world.target, headers, token: 'x' })],
    ['no permission', 403, (stage) => withToken(stage, 'auditor')],
    ['no such user', 404, (stage) => withToken(stage, 'administrator')],
    ['an unknown path', 404, ({ call }) => call({ path: '/nowhere', headers })],
    ['POST', 405, ({ call, world }) => call({ ...world.target, headers, method: 'POST' })],
    ['OPTIONS', 204, ({ call, world }) => call({ ...world.target, headers, method: 'OPTIONS' })],
    [
      'an issuer that is down on a cold start',
      500,
      (stage) => {
        stage.issuer.endpoint.answer = breakConnection
        return withToken(stage, 'administrator')
      },
    ],
  ])('%s: %i', async (_, status, act) => {
    const answer = await act(await setStage({ vars: { CORS_ORIGINS: Origin } }))
    expect(answer.status).toBe(status)
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBe(Origin)
    expect(answer.headers.get('Vary')).toBe('Origin')
    const exposed = answer.headers.get('Access-Control-Expose-Headers')?.split(', ')
    expect(exposed).toEqual(['X-Request-Id', 'WWW-Authenticate', 'Retry-After'])
  })
})

test('a preflight never carries a token, and * does not cover Authorization (whatwg/fetch#251)', async () => {
  const { db, calls } = watch(env.DB)
  const vars = { CORS_ORIGINS: 'https://app.example', DB: db }
  const { call, world } = await setStage({ vars })
  const answer = await call({
    ...world.target,
    method: 'OPTIONS',
    headers: {
      Origin: 'https://app.example',
      'Access-Control-Request-Method': 'DELETE',
      'Access-Control-Request-Headers': 'authorization',
    },
  })
  expect(answer.status).toBe(204)
  const allowed = answer.headers.get('Access-Control-Allow-Headers')?.split(', ')
  expect(allowed).toContain('Authorization')
  expect(calls).toEqual([])
})

describe('a value that was piped in ends in a line break (cloudflare/workers-sdk#993)', () => {
  test.each<Vars>([
    { TOKEN_AUDIENCE: 'https://identity.example\n' },
    { TOKEN_ALGORITHMS: 'ES256, RS256' },
  ])('%j', async (vars) => {
    const { callAs, world } = await setStage({ vars })
    expect((await callAs(world.administrator)).status).toBe(200)
  })
})

describe('flags in vars come as booleans or as text (cloudflare/workers-sdk#3689)', () => {
  test.each([
    [true, 403],
    [false, 200],
    ['true', 403],
    ['false', 200],
  ])('%j: the last administrator who removes itself gets %i', async (value, status) => {
    const { callAs, world } = await setStage({ vars: { KEEP_LAST_ADMINISTRATOR: value } })
    expect((await callAs(world.administrator, world.administrator)).status).toBe(status)
  })

  test.each(['TRUE', 'yes', '1', 1])('%j is wrong configuration', async (value) => {
    const { callAs, world } = await setStage({ vars: { KEEP_LAST_ADMINISTRATOR: value } })
    const answer = await callAs(world.administrator)
    expect(answer.status).toBe(500)
    expect(answer.line.reason).toBe('configuration:KEEP_LAST_ADMINISTRATOR')
  })
})

/** The named entrypoint, as another Worker has it, and what its database is asked. */
function bind() {
  const { db, calls } = watch(env.DB)
  const { DB } = env
  Object.assign(env, { DB: db })
  onTestFinished(() => void Object.assign(env, { DB }))
  return { identity: exports.Identity, calls }
}

/** What a call over the binding throws. Vitest must not touch the call itself: each of its members is a call, too. */
async function catchError(call: () => Promise<unknown>): Promise<Error> {
  try {
    await call()
  } catch (error) {
    return error as Error
  }
  throw new Error('the call did not throw')
}

describe('over the service binding', () => {
  test.each<[string, () => unknown]>([
    ['new Request(…)', () => new Request('https://x')],
    ['new Headers()', () => new Headers()],
    ['new Map()', () => new Map()],
    ['nothing', () => undefined],
    ['null', () => null],
    ['a text', () => 'x'],
  ])('a Request was handed over: %s (cloudflare/workerd#2588)', async (_, make) => {
    const { identity, calls } = bind()
    const error = await catchError(() => identity.deleteUser(make() as never))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch(/^deleteUser.* (?:token must be a string|takes one object)/)
    expect(calls).toEqual([])
  })

  test('half a surrogate pair turns into U+FFFD on its way into a database (oven-sh/bun#32841)', async () => {
    const id = '\u{FFFD}x'
    const { world } = await setStage({
      seed: (seed, { organizationID }) => void seed.member(organizationID, { id }),
    })
    const { identity, calls } = bind()
    const argument = { token: 'x', organizationID: world.organizationID, userID: '\uD800x' }
    const error = await catchError(() => identity.deleteUser(argument))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain('userID')
    expect(calls).toEqual([])
    const stays = await env.DB.prepare('SELECT id FROM organization_users WHERE id = ?')
      .bind(id)
      .first('id')
    expect(stays).toBe(id)
  })
})
