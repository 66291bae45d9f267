/**
 * Fetches of the JWKS over time: fresh and stale keys, unknown key IDs, an issuer that is down. The clock is stopped and
 * each fetch is counted. The Cache API is off: test/keys-concurrency.test.ts has it.
 */
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { version } from '../package.json'
import { breakConnection, heldBack, withBody } from './support/jwks-responders'
import { HOUR, MINUTE, passTime, SECOND, stopClock } from './support/worker/clock'
import { outcomeOf } from './support/worker/harness'
import { ACCEPTED, createKeyHarness } from './support/worker/key-harness'
import { isPending } from './support/pending'
import { readLog } from './support/worker/log'

beforeEach(() => {
  stopClock()
  vi.spyOn(caches, 'open').mockRejectedValue(new Error('no cache here'))
})

test('the first call fetches a JWK Set once, without following redirects', async () => {
  const { present, endpoint, issuer } = await createKeyHarness()
  expect((await present()).status).toBe(ACCEPTED)
  const [request, ...others] = endpoint.requests
  expect(others).toEqual([])
  expect(Object.fromEntries(request!.headers)).toEqual({
    accept: 'application/jwk-set+json, application/json',
    'user-agent': `identity-worker/${version}`,
  })
  const { JWKS_URL: url } = issuer.vars
  expect(request).toMatchObject({ method: 'GET', url, redirect: 'manual', cache: 'no-store' })
})

describe('keys', () => {
  test('are fresh for ten minutes, counted from each refresh', async () => {
    const { present, fetches } = await createKeyHarness()
    await present()
    for (const count of [1, 2]) {
      passTime(10 * MINUTE - 1)
      for (let calls = 0; calls < 5; calls++) await present()
      expect(fetches()).toBe(count)
      passTime(1)
      await present()
      expect(fetches()).toBe(count + 1)
    }
  })

  test('still serve at once after that, while one refresh runs behind the response', async () => {
    const { present, fetches, endpoint, issuer } = await createKeyHarness()
    await present()
    passTime(10 * MINUTE)
    const { respond, release } = heldBack(withBody(issuer.jwks()))
    endpoint.respond = respond
    const inBackground = true
    const first = await present({}, { inBackground })
    const second = await present({}, { inBackground })
    expect([first.status, second.status, fetches()]).toEqual([ACCEPTED, ACCEPTED, 2])
    // Registered with waitUntil, else the runtime would cancel the refresh with the request.
    expect(await isPending(first.settled)).toBe(true)
    // Neither call has waited until the refresh timed out.
    expect(readLog().join()).not.toContain('jwks_refresh_failed')
    release()
    await Promise.all([first.settled, second.settled])
    await present()
    expect(fetches()).toBe(2)
  })

  test('are replaced by a refresh, also a key under the same ID', async () => {
    const { present, publish, createKey, issuer } = await createKeyHarness()
    const [old] = issuer.keys
    await present()
    const [next, replaced] = [await createKey(), await createKey(old.kid)]
    publish(next.publicJWK, replaced.publicJWK)
    passTime(10 * MINUTE - 1)
    expect((await present({ key: replaced })).line.reason).toBe('jwt_signature_invalid')
    passTime(1)
    expect((await present({ key: old })).status).toBe(ACCEPTED)
    const statuses = []
    for (const key of [next, replaced, old]) statuses.push((await present({ key })).status)
    expect(statuses).toEqual([ACCEPTED, ACCEPTED, 401])
  })
})

const unknown = { header: { kid: 'unknown' } }

test.each([
  ['up', undefined],
  ['down', breakConnection],
])(
  'an unknown key ID causes one fetch every 30 s, and is a 401, while the issuer is %s',
  async (_, respond) => {
    const { present, fetches, endpoint } = await createKeyHarness()
    expect((await present(unknown)).line.reason).toBe('jwt_unknown_key')
    endpoint.respond = respond ?? endpoint.respond
    for (const count of [1, 2, 3]) {
      passTime(30 * SECOND - 1)
      expect((await present(unknown)).status).toBe(401)
      expect(fetches()).toBe(count)
      passTime(1)
      for (const kid of ['unknown', 'another']) {
        expect((await present({ header: { kid } })).line.reason).toBe('jwt_unknown_key')
      }
      expect(fetches()).toBe(count + 1)
    }
    expect((await present()).status).toBe(ACCEPTED)
  },
)

test('the key ID of an unusable key causes no fetch', async () => {
  const { present, publish, issuer, fetches } = await createKeyHarness()
  publish(issuer.keys[0].publicJWK, { kty: 'XYZ', kid: 'unknown' })
  await present()
  passTime(30 * SECOND)
  expect((await present(unknown)).status).toBe(401)
  expect(fetches()).toBe(1)
})

test.each<[string, object]>([
  ['no key ID', { header: { kid: undefined } }],
  ['an invalid signature', { sign: async () => new Uint8Array(64) }],
  ['an invalid claim', { claims: { aud: 'other' } }],
])('a token with %s causes no fetch', async (_, changes) => {
  const { present, fetches } = await createKeyHarness()
  await present()
  passTime(MINUTE)
  await present(changes)
  expect(fetches()).toBe(1)
})

describe('while the issuer is down', () => {
  test('the last valid keys serve for 24 h, then the response is 500 until the issuer is back', async () => {
    const { present, publish, createKey, endpoint } = await createKeyHarness()
    await present()
    endpoint.respond = breakConnection
    passTime(24 * HOUR - 1)
    expect((await present()).status).toBe(ACCEPTED)
    passTime(1)
    const response = await present()
    const wait = response.headers.get('Retry-After')
    expect([outcomeOf(response), wait]).toEqual(['500 jwks_unavailable', '1'])
    const next = await createKey()
    publish(next.publicJWK)
    passTime(Number(wait) * SECOND)
    expect((await present({ key: next })).status).toBe(ACCEPTED)
    expect((await present()).status).toBe(401)
  })

  test('an isolate with keys tries once every 30 s', async () => {
    const { present, endpoint, fetches } = await createKeyHarness()
    await present()
    endpoint.respond = breakConnection
    passTime(10 * MINUTE)
    for (const count of [2, 3]) {
      for (let calls = 0; calls < 5; calls++) await present()
      passTime(30 * SECOND - 1)
      await present()
      expect(fetches()).toBe(count)
      passTime(1)
    }
  })

  test('an isolate without keys tries once a second, and responds with 500, never 401', async () => {
    const { present, endpoint, fetches } = await createKeyHarness()
    endpoint.respond = breakConnection
    for (const count of [1, 2, 3]) {
      for (const changes of [{}, { header: { kid: 'unknown' } }, { claims: { aud: 'other' } }]) {
        const { status, headers } = await present(changes)
        expect([status, headers.get('Retry-After')]).toEqual([500, '1'])
      }
      passTime(SECOND - 1)
      await present()
      expect(fetches()).toBe(count)
      passTime(1)
    }
  })
})
