/**
 * When is the issuer asked? The cached keys over time, on a stopped clock, with every fetch counted.
 */
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { version } from '../package.json'
import { breakConnection, heldBack, withBody, withStatus } from './support/jwks-responders'
import { HOUR, MINUTE, passTime, SECOND, stopClock } from './support/worker/clock'
import { ACCEPTED, createKeyHarness } from './support/worker/key-harness'
import { isPending } from './support/pending'
import { readLog } from './support/worker/log'

beforeEach(() => {
  stopClock()
  // Nothing but the isolate's own memory is at work here; keys-concurrency.test.ts has the Cache API.
  vi.spyOn(caches, 'open').mockRejectedValue(new Error('no cache here'))
})

test('the first call asks the issuer once, for a JWK Set and without following redirects', async () => {
  const { present, endpoint, issuer } = await createKeyHarness()
  expect((await present()).status).toBe(ACCEPTED)
  const [request] = endpoint.requests
  expect(endpoint.requests).toHaveLength(1)
  expect(request?.method).toBe('GET')
  expect(request?.url).toBe(issuer.vars.JWKS_URL)
  expect(request?.headers.get('Accept')).toBe('application/jwk-set+json, application/json')
  expect(request?.headers.has('Authorization')).toBe(false)
  expect(request?.redirect).toBe('manual')
  expect(request?.cache).toBe('no-store')
  expect(request?.headers.get('User-Agent')).toBe(`identity-worker/${version}`)
})

describe('keys are fresh for ten minutes', () => {
  test('in which the issuer is not asked', async () => {
    const { present, fetches } = await createKeyHarness()
    await present()
    passTime(10 * MINUTE - 1)
    for (let count = 0; count < 5; count++) await present()
    expect(fetches()).toBe(1)
  })

  test('after which they still serve at once, while one refresh runs behind the response', async () => {
    const { present, fetches, endpoint, issuer } = await createKeyHarness()
    await present()
    passTime(10 * MINUTE)
    const { respond, release } = heldBack(withBody(issuer.jwks()))
    endpoint.respond = respond
    const inBackground = true
    const first = await present({}, { inBackground })
    const second = await present({}, { inBackground })
    expect([first.status, second.status]).toEqual([ACCEPTED, ACCEPTED])
    expect(fetches()).toBe(2)
    // Registered with waitUntil, else the runtime would cancel the refresh with the request.
    expect(await isPending(first.settled)).toBe(true)
    // Neither call has waited for the refresh until that was given up.
    expect(readLog().join()).not.toContain('jwks_refresh_failed')
    release()
    await Promise.all([first.settled, second.settled])
    await present()
    expect(fetches()).toBe(2)
  })

  test('counted from the refresh again', async () => {
    const { present, fetches } = await createKeyHarness()
    await present()
    passTime(10 * MINUTE)
    await present()
    passTime(10 * MINUTE - 1)
    await present()
    expect(fetches()).toBe(2)
    passTime(1)
    await present()
    expect(fetches()).toBe(3)
  })
})

test('after a refresh the new keys serve, and a key that was taken back does not', async () => {
  const { present, publish, createKey, issuer } = await createKeyHarness()
  const next = await createKey()
  await present()
  publish(next.publicJWK)
  passTime(10 * MINUTE)
  expect((await present({ key: issuer.keys[0] })).status).toBe(ACCEPTED)
  expect((await present({ key: next })).status).toBe(ACCEPTED)
  expect((await present({ key: issuer.keys[0] })).status).toBe(401)
})

test('another key under the same ID is refused until the refresh, and serves after it', async () => {
  const { present, publish, createKey, issuer } = await createKeyHarness()
  await present()
  const next = await createKey(issuer.keys[0].kid)
  publish(next.publicJWK)
  passTime(10 * MINUTE - 1)
  expect((await present({ key: next })).line.reason).toBe('jwt_signature_invalid')
  passTime(1)
  expect((await present({ key: next })).status).toBe(401)
  expect((await present({ key: next })).status).toBe(ACCEPTED)
})

test('an empty set withdraws nothing: the only key serves for 24 h', async () => {
  const { present, publish } = await createKeyHarness()
  await present()
  publish()
  passTime(24 * HOUR - 1)
  expect((await present()).status).toBe(ACCEPTED)
  expect((await present()).status).toBe(ACCEPTED)
  passTime(1)
  expect((await present()).status).toBe(500)
})

describe('a key ID that is not in the set', () => {
  test('causes one refresh, which finds a key that is new', async () => {
    const { present, publish, createKey, fetches, issuer } = await createKeyHarness()
    await present()
    const next = await createKey()
    publish(issuer.keys[0].publicJWK, next.publicJWK)
    passTime(30 * SECOND)
    expect((await present({ key: next })).status).toBe(ACCEPTED)
    expect(fetches()).toBe(2)
  })

  test('causes no second fetch on a cold start', async () => {
    const { present, fetches } = await createKeyHarness()
    expect((await present({ header: { kid: 'unknown' } })).status).toBe(401)
    expect(fetches()).toBe(1)
  })

  test('causes at most one refresh every 30 s, counted from the start of the last fetch', async () => {
    const { present, fetches } = await createKeyHarness()
    const header = { kid: 'unknown' }
    await present()
    passTime(30 * SECOND - 1)
    await present({ header })
    expect(fetches()).toBe(1)
    passTime(1)
    expect((await present({ header })).line.reason).toBe('jwt_unknown_key')
    await present({ header: { kid: 'another' } })
    expect(fetches()).toBe(2)
    passTime(30 * SECOND - 1)
    await present({ header })
    expect(fetches()).toBe(2)
    passTime(1)
    await present({ header })
    expect(fetches()).toBe(3)
  })

  test('counts failed fetches, and still is a 401', async () => {
    const { present, fetches, endpoint } = await createKeyHarness()
    const header = { kid: 'unknown' }
    await present()
    endpoint.respond = breakConnection
    passTime(30 * SECOND)
    expect((await present({ header })).status).toBe(401)
    passTime(30 * SECOND - 1)
    expect((await present({ header })).status).toBe(401)
    expect(fetches()).toBe(2)
    expect((await present()).status).toBe(ACCEPTED)
  })

  test.each<[string, object]>([
    ['a token without a key ID', { header: { kid: undefined } }],
    ['a bad signature', { sign: async () => new Uint8Array(64) }],
    ['a bad claim', { claims: { aud: 'other' } }],
  ])('is not what %s has: no refresh', async (_, changes) => {
    const { present, fetches } = await createKeyHarness()
    await present()
    passTime(MINUTE)
    await present(changes)
    expect(fetches()).toBe(1)
  })
})

describe('while the issuer is down', () => {
  test('the last good keys serve for 24 h, and from then on it is a 500', async () => {
    const { present, endpoint } = await createKeyHarness()
    await present()
    endpoint.respond = breakConnection
    passTime(24 * HOUR - 1)
    expect((await present()).status).toBe(ACCEPTED)
    passTime(1)
    const response = await present()
    expect(response.status).toBe(500)
    expect(response.headers.get('Retry-After')).toBe('1')
    expect(response.line.reason).toBe('jwks_unavailable')
  })

  test('it is asked once every 30 s, not at every call', async () => {
    const { present, endpoint, fetches } = await createKeyHarness()
    await present()
    endpoint.respond = withStatus(503, '')
    passTime(10 * MINUTE)
    for (let count = 0; count < 5; count++) await present()
    expect(fetches()).toBe(2)
    passTime(30 * SECOND - 1)
    await present()
    expect(fetches()).toBe(2)
    passTime(1)
    await present()
    expect(fetches()).toBe(3)
  })

  test('an isolate without keys responds with 500, never 401, and tries once a second', async () => {
    const { present, endpoint, fetches } = await createKeyHarness()
    endpoint.respond = breakConnection
    for (let second = 1; second <= 3; second++) {
      for (const changes of [{}, { header: { kid: 'unknown' } }, { claims: { aud: 'other' } }]) {
        const response = await present(changes)
        expect(response.status).toBe(500)
        expect(response.headers.get('Retry-After')).toBe('1')
      }
      passTime(SECOND - 1)
      await present()
      expect(fetches()).toBe(second)
      passTime(1)
    }
  })

  test('nothing is remembered of it once it is back', async () => {
    const { present, endpoint, issuer } = await createKeyHarness()
    endpoint.respond = breakConnection
    const { headers } = await present()
    endpoint.respond = withBody(issuer.jwks())
    passTime(Number(headers.get('Retry-After')) * SECOND)
    expect((await present()).status).toBe(ACCEPTED)
  })

  test('keys of more than 24 h are not used, but a new answer is', async () => {
    const { present, publish, createKey, issuer } = await createKeyHarness()
    const next = await createKey()
    await present()
    publish(next.publicJWK)
    passTime(24 * HOUR)
    expect((await present({ key: issuer.keys[0] })).status).toBe(401)
    expect((await present({ key: next })).status).toBe(ACCEPTED)
  })
})
