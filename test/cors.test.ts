/**
 * Which pages can read a response: those of the origins in CORS_ORIGINS, and no others.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { watch } from './support/database'
import { breakConnection } from './support/jwks-responders'
import type { Call, Vars } from './support/worker/caller'
import { createHarness } from './support/worker/harness'

const APP = 'https://app.example'
const NAMED = { CORS_ORIGINS: `${APP}, http://localhost:3000` }
const UNREADABLE = { vary: 'Origin' }
const READABLE = {
  'access-control-allow-origin': APP,
  'access-control-expose-headers': 'X-Request-Id, WWW-Authenticate, Retry-After',
  vary: 'Origin',
}
const PREFLIGHT = {
  'access-control-allow-methods': 'DELETE',
  'access-control-allow-headers':
    'Authorization, Content-Type, Idempotency-Key, Traceparent, Tracestate, Baggage, X-Request-Id',
  'access-control-max-age': '7200',
}

interface Sent extends Omit<Call, 'headers'> {
  /** Without a caller the call has no token. */
  readonly caller?: 'administrator' | 'auditor'
  readonly Origin?: string
}

/** Sends a call. Returns the response and its headers about origins. */
async function send(vars: Vars, { caller, Origin, ...what }: Sent, isIssuerDown = false) {
  const { call, token, fixture, issuer } = await createHarness({ vars })
  if (isIssuerDown) issuer.endpoint.respond = breakConnection
  const headers = new Headers(Origin === undefined ? {} : { Origin })
  const credentials = caller === undefined ? {} : { token: await token(fixture[caller]) }
  const response = await call({ ...fixture.target, ...credentials, ...what, headers })
  const cors = [...response.headers].filter(([name]) => name.match(/^(access-control-|vary$)/))
  return { ...response, cors: Object.fromEntries(cors) }
}

test.each<[title: string, status: number, what: Sent, isIssuerDown?: boolean]>([
  ['a deletion', 200, { caller: 'administrator' }],
  ['no token', 401, {}],
  ['an invalid token', 401, { token: 'x.y.z' }],
  ['no permission', 403, { caller: 'auditor' }],
  ['an absent user', 404, { caller: 'administrator', userID: 'absent' }],
  ['an unknown path', 404, { path: '/nowhere' }],
  ['OPTIONS on an unknown path', 404, { path: '/nowhere', method: 'OPTIONS' }],
  ['another method', 405, { method: 'POST' }],
  ['HEAD', 405, { method: 'HEAD' }],
  ['an issuer that is down', 500, { caller: 'administrator' }, true],
])('a page of a named origin can read the response to %s: %i', async (_, status, what, isDown) => {
  const fromPage = { ...what, Origin: APP }
  const named = await send(NAMED, fromPage, isDown)
  expect([named.status, named.cors]).toEqual([status, READABLE])
  const withoutOrigin = await send(NAMED, what, isDown)
  expect([withoutOrigin.status, withoutOrigin.cors]).toEqual([status, UNREADABLE])
  const withoutNames = await send({}, fromPage, isDown)
  expect([withoutNames.status, withoutNames.cors]).toEqual([status, {}])
})

test.each(['DELETE', 'OPTIONS'])(
  'while the configuration is invalid, a page can read that, except for CORS_ORIGINS: %s',
  async (method) => {
    const fromPage = { method, Origin: APP }
    const invalid = await send({ ...NAMED, TOKEN_ISSUER: '' }, fromPage)
    expect([invalid.status, invalid.cors]).toEqual([500, READABLE])
    expect((await send({ CORS_ORIGINS: `${APP}, x` }, fromPage)).cors).toEqual({})
  },
)

describe('a preflight', () => {
  const preflight = { method: 'OPTIONS', Origin: APP }

  test('of a named origin says what the page may send, without a token and without D1', async () => {
    const { db, calls } = watch(env.DB)
    const { status, cors, headers } = await send({ ...NAMED, DB: db }, preflight)
    expect([status, cors]).toEqual([204, { ...READABLE, ...PREFLIGHT }])
    expect(headers.get('Allow')).toBe('DELETE, OPTIONS')
    expect(calls).toEqual([])
    expect(fetch).not.toHaveBeenCalled()
  })

  test.each(['accept', 'require'])('allows the header DPoP if DPOP is "%s"', async (DPOP) => {
    const { cors } = await send({ ...NAMED, DPOP }, preflight)
    const allowed = `${PREFLIGHT['access-control-allow-headers']}, DPoP`
    expect(cors['access-control-allow-headers']).toBe(allowed)
  })

  test('of another origin gets 204 and no permission', async () => {
    const { status, cors } = await send(NAMED, { ...preflight, Origin: 'https://other.example' })
    expect([status, cors]).toEqual([204, UNREADABLE])
  })
})

test.each([
  'https://other.example',
  'http://app.example',
  'https://app.example:8443',
  'https://app.example.evil.example',
  'https://sub.app.example',
  'https://APP.example',
  'https://app.example/',
  'null',
  '*',
  '',
])('a page of the origin %j deletes and cannot read the response', async (Origin) => {
  const { status, cors } = await send(NAMED, { caller: 'administrator', Origin })
  expect([status, cors]).toEqual([200, UNREADABLE])
})

test('a page of each named origin can read a response', async () => {
  const Origin = 'http://localhost:3000'
  const { cors } = await send(NAMED, { Origin })
  expect(cors).toEqual({ ...READABLE, 'access-control-allow-origin': Origin })
})

test.each([APP, 'null'])(
  'with CORS_ORIGINS "*" a page of %s can read a response',
  async (Origin) => {
    const readable = { ...READABLE, 'access-control-allow-origin': '*' }
    const { cors } = await send({ CORS_ORIGINS: '*' }, { Origin })
    expect(cors).toEqual(readable)
    const preflight = await send({ CORS_ORIGINS: '*' }, { Origin, method: 'OPTIONS' })
    expect(preflight.cors).toEqual({ ...readable, ...PREFLIGHT })
  },
)
