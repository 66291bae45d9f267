/**
 * Which pages can read an answer: CORS for the origins that the configuration names, and for nobody else.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { watch } from './support/database'
import { breakConnection } from './support/jwks-responders'
import type { CallResponse, Call, Vars } from './support/worker/caller'
import { createHarness } from './support/worker/harness'

const APP = 'https://app.example'
const NAMED = { CORS_ORIGINS: `${APP}, http://localhost:3000` }
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

/** The headers of an answer that speak of origins. */
function corsOf({ headers }: CallResponse): Record<string, string> {
  const ofCors = [...headers].filter(
    ([name]) => name.startsWith('access-control-') || name === 'vary',
  )
  return Object.fromEntries(ofCors)
}

/** One call for each kind of response; without a caller it has no token. */
const calls: [string, number, Call & { caller?: 'administrator' | 'auditor'; isDown?: boolean }][] =
  [
    ['a deletion', 200, { caller: 'administrator' }],
    ['no token', 401, {}],
    ['an invalid token', 401, { token: 'x.y.z' }],
    ['no permission', 403, { caller: 'auditor' }],
    ['an absent user', 404, { caller: 'administrator', userID: 'absent' }],
    ['an unknown path', 404, { path: '/nowhere' }],
    ['another method', 405, { method: 'POST' }],
    ['HEAD', 405, { method: 'HEAD' }],
    ['an issuer that is down on a cold start', 500, { caller: 'administrator', isDown: true }],
  ]

async function send(
  vars: Vars,
  { caller, isDown, ...what }: (typeof calls)[number][2],
  headers: Record<string, string>,
): Promise<CallResponse> {
  const { call, token, fixture, issuer } = await createHarness({ vars })
  if (isDown) issuer.endpoint.respond = breakConnection
  const sent = { ...fixture.target, ...what, headers }
  return call(caller === undefined ? sent : { ...sent, token: await token(fixture[caller]) })
}

describe('a page of a named origin', () => {
  test.each(calls)('can read the response to %s: %i', async (_, status, what) => {
    const response = await send(NAMED, what, { Origin: APP })
    expect(response.status).toBe(status)
    expect(corsOf(response)).toEqual(READABLE)
  })

  test('can read that the configuration is invalid, except CORS_ORIGINS itself', async () => {
    const invalid = await send({ ...NAMED, TOKEN_ISSUER: '' }, {}, { Origin: APP })
    expect(corsOf(invalid)).toEqual(READABLE)
    expect(corsOf(await send({ CORS_ORIGINS: `${APP}, x` }, {}, { Origin: APP }))).toEqual({})
  })

  test('can be any of those that are named', async () => {
    const { headers } = await send(NAMED, {}, { Origin: 'http://localhost:3000' })
    expect(headers.get('Access-Control-Allow-Origin')).toBe('http://localhost:3000')
  })
})

describe('a preflight', () => {
  const headers = {
    Origin: APP,
    'Access-Control-Request-Method': 'DELETE',
    'Access-Control-Request-Headers': 'authorization,idempotency-key',
  }

  test('of a named origin says what the page may send, without a token and without D1', async () => {
    const { db, calls: asked } = watch(env.DB)
    const response = await send({ ...NAMED, DB: db }, { method: 'OPTIONS' }, headers)
    expect(response.status).toBe(204)
    expect(corsOf(response)).toEqual({ ...READABLE, ...PREFLIGHT })
    expect(response.headers.get('Allow')).toBe('DELETE, OPTIONS')
    expect(asked).toEqual([])
    expect(fetch).not.toHaveBeenCalled()
  })

  test.each(['accept', 'require'])('allows the header DPoP if DPOP is "%s"', async (DPOP) => {
    const response = await send({ ...NAMED, DPOP }, { method: 'OPTIONS' }, headers)
    const allowed = `${PREFLIGHT['access-control-allow-headers']}, DPoP`
    expect(response.headers.get('Access-Control-Allow-Headers')).toBe(allowed)
  })

  test('of another origin gets its 204 and no permission', async () => {
    const other = { ...headers, Origin: 'https://other.example' }
    const response = await send(NAMED, { method: 'OPTIONS' }, other)
    expect(response.status).toBe(204)
    expect(corsOf(response)).toEqual({ vary: 'Origin' })
  })
})

test.each([
  [404, { path: '/nowhere' }, {}],
  [500, {}, { TOKEN_ISSUER: '' }],
])('an OPTIONS that ends in a %i does not say what a page may send', async (status, what, vars) => {
  const response = await send(
    { ...NAMED, ...vars },
    { ...what, method: 'OPTIONS' },
    { Origin: APP },
  )
  expect(response.status).toBe(status)
  expect(corsOf(response)).toEqual(READABLE)
})

describe('any other origin', () => {
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
  ])('gets the response of any caller: %j', async (Origin) => {
    const response = await send(NAMED, { caller: 'administrator' }, { Origin })
    expect(response.status).toBe(200)
    expect(corsOf(response)).toEqual({ vary: 'Origin' })
  })

  test.each(calls)('without any, if origins are named: Vary on %s', async (_, status, what) => {
    const response = await send(NAMED, what, {})
    expect(response.status).toBe(status)
    expect(corsOf(response)).toEqual({ vary: 'Origin' })
  })
})

test.each([APP, 'null', 'https://other.example'])(
  'if every origin is permitted, %s gets a star',
  async (Origin) => {
    const response = await send({ CORS_ORIGINS: '*' }, {}, { Origin })
    expect(corsOf(response)).toEqual({ ...READABLE, 'access-control-allow-origin': '*' })
  },
)

test.each(calls)(
  'if no origin is named, no response has a header of CORS: %s',
  async (_, status, what) => {
    const response = await send({}, what, { Origin: APP })
    expect(response.status).toBe(status)
    expect(corsOf(response)).toEqual({})
  },
)

test.each(['DELETE', 'OPTIONS', 'GET'])('credentials are never allowed: %s', async (method) => {
  for (const CORS_ORIGINS of [APP, '*', '']) {
    const { headers } = await send({ CORS_ORIGINS }, { method }, { Origin: APP })
    expect(headers.has('Access-Control-Allow-Credentials')).toBe(false)
  }
})
