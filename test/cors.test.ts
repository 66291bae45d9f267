/**
 * Which pages can read an answer: CORS for the origins that the configuration names, and for nobody else.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { watch } from './support/database'
import { breakConnection } from './support/jwks-answers'
import type { Answer } from './support/worker/caller'
import { setStage, type Stage } from './support/worker/stage'

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
function corsOf({ headers }: Answer): Record<string, string> {
  const ofCors = [...headers].filter(
    ([name]) => name.startsWith('access-control-') || name === 'vary',
  )
  return Object.fromEntries(ofCors)
}

/** One call for each kind of answer. */
const calls: [
  string,
  number,
  (stage: Stage, headers: Record<string, string>) => Promise<Answer>,
][] = [
  [
    'a deletion',
    200,
    async ({ call, token, world }, headers) =>
      call({ ...world.target, headers, token: await token(world.administrator) }),
  ],
  ['no token', 401, ({ call, world }, headers) => call({ ...world.target, headers })],
  [
    'a bad token',
    401,
    ({ call, world }, headers) => call({ ...world.target, headers, token: 'x.y.z' }),
  ],
  [
    'no permission',
    403,
    async ({ call, token, world }, headers) =>
      call({ ...world.target, headers, token: await token(world.auditor) }),
  ],
  [
    'no such user',
    404,
    async ({ call, token, world }, headers) =>
      call({ ...world, userID: 'nobody', headers, token: await token(world.administrator) }),
  ],
  ['no such path', 404, ({ call }, headers) => call({ path: '/nowhere', headers })],
  [
    'another method',
    405,
    ({ call, world }, headers) => call({ ...world.target, headers, method: 'POST' }),
  ],
  ['HEAD', 405, ({ call, world }, headers) => call({ ...world.target, headers, method: 'HEAD' })],
  [
    'an issuer that is down on a cold start',
    500,
    async ({ call, token, world, issuer }, headers) => {
      issuer.endpoint.answer = breakConnection
      return call({ ...world.target, headers, token: await token(world.administrator) })
    },
  ],
]

describe('a page of a named origin', () => {
  test.each(calls)('can read the answer to %s: %i', async (_, status, act) => {
    const answer = await act(await setStage({ vars: NAMED }), { Origin: APP })
    expect(answer.status).toBe(status)
    expect(corsOf(answer)).toEqual(READABLE)
  })

  test('can read that the configuration is wrong, but for CORS_ORIGINS itself', async () => {
    const wrong = { ...NAMED, TOKEN_ISSUER: '' }
    const { call, world } = await setStage({ vars: wrong })
    const headers = { Origin: APP }
    expect(corsOf(await call({ ...world.target, headers }))).toEqual(READABLE)
    const other = await setStage({ vars: { CORS_ORIGINS: `${APP}, x` } })
    expect(corsOf(await other.call({ ...world.target, headers }))).toEqual({})
  })

  test('can be any of those that are named', async () => {
    const { call, world } = await setStage({ vars: NAMED })
    const headers = { Origin: 'http://localhost:3000' }
    const answer = await call({ ...world.target, headers })
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('http://localhost:3000')
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
    const { call, world } = await setStage({ vars: { ...NAMED, DB: db } })
    const answer = await call({ ...world.target, headers, method: 'OPTIONS' })
    expect(answer.status).toBe(204)
    expect(corsOf(answer)).toEqual({ ...READABLE, ...PREFLIGHT })
    expect(answer.headers.get('Allow')).toBe('DELETE, OPTIONS')
    expect(asked).toEqual([])
    expect(fetch).not.toHaveBeenCalled()
  })

  test.each([
    ['', ''],
    ['accept', ', DPoP'],
    ['require', ', DPoP'],
  ])('allows the header DPoP if DPOP is set: "%s"', async (DPOP, more) => {
    const { call, world } = await setStage({ vars: { ...NAMED, DPOP } })
    const answer = await call({ ...world.target, headers, method: 'OPTIONS' })
    const allowed = PREFLIGHT['access-control-allow-headers'] + more
    expect(answer.headers.get('Access-Control-Allow-Headers')).toBe(allowed)
  })

  test('of another origin gets its 204 and nothing that lets the page in', async () => {
    const { call, world } = await setStage({ vars: NAMED })
    const other = { ...headers, Origin: 'https://other.example' }
    const answer = await call({ ...world.target, headers: other, method: 'OPTIONS' })
    expect(answer.status).toBe(204)
    expect(corsOf(answer)).toEqual({ vary: 'Origin' })
  })
})

test('an OPTIONS that ends in an error says nothing of what a page may send', async () => {
  const { call } = await setStage({ vars: NAMED })
  const headers = { Origin: APP }
  const answers = [
    await call({ path: '/nowhere', method: 'OPTIONS', headers }),
    await (
      await setStage({ vars: { ...NAMED, TOKEN_ISSUER: '' } })
    ).call({ organizationID: 'o', userID: 'u', method: 'OPTIONS', headers }),
  ]
  expect(answers.map(({ status }) => status)).toEqual([404, 500])
  expect(answers.map(corsOf)).toEqual([READABLE, READABLE])
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
  ])('is answered as any caller: %j', async (Origin) => {
    const { call, token, world } = await setStage({ vars: NAMED })
    const answer = await call({
      ...world.target,
      headers: { Origin },
      token: await token(world.administrator),
    })
    expect(answer.status).toBe(200)
    expect(corsOf(answer)).toEqual({ vary: 'Origin' })
  })

  test.each(calls)('without any, where origins are named: Vary on %s', async (_, status, act) => {
    const answer = await act(await setStage({ vars: NAMED }), {})
    expect(answer.status).toBe(status)
    expect(corsOf(answer)).toEqual({ vary: 'Origin' })
  })
})

describe('where every origin is let in', () => {
  test.each([APP, 'null', 'https://other.example'])('%s is told so by a star', async (Origin) => {
    const { call, world } = await setStage({ vars: { CORS_ORIGINS: '*' } })
    const answer = await call({ ...world.target, headers: { Origin } })
    expect(corsOf(answer)).toEqual({ ...READABLE, 'access-control-allow-origin': '*' })
  })
})

describe('where no origin is named', () => {
  test.each(calls)('no answer speaks of origins: %s', async (_, status, act) => {
    const answer = await act(await setStage(), { Origin: APP })
    expect(answer.status).toBe(status)
    expect(corsOf(answer)).toEqual({})
  })
})

test('credentials are never allowed', async () => {
  for (const CORS_ORIGINS of [APP, '*', '']) {
    const stage = await setStage({ vars: { CORS_ORIGINS } })
    for (const method of ['DELETE', 'OPTIONS', 'GET']) {
      const answer = await stage.call({ ...stage.world.target, method, headers: { Origin: APP } })
      expect(answer.headers.has('Access-Control-Allow-Credentials')).toBe(false)
    }
  }
})
