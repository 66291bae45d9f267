/**
 * One fetch for many: concurrent calls of one isolate, isolates that share a cache, and the binding that carries the
 * fetch.
 */
import { describe, expect, test, vi } from 'vitest'
import type worker from '../src/index'
import { createKey, type SigningKey } from '../dev/test-keys.ts'
import { after, breakConnection, withBody } from './support/jwks-responders'
import { createCaller, type Caller, type Vars } from './support/worker/caller'
import { HOUR, MINUTE, passTime, SECOND, stopClock } from './support/worker/clock'
import { ACCEPTED, createKeyHarness, type KeyHarness } from './support/worker/key-harness'

const MANY = 40

async function presentMany(
  { present }: KeyHarness,
  changes?: Parameters<KeyHarness['present']>[0],
): Promise<Set<number>> {
  const responses = await Promise.all(Array.from({ length: MANY }, () => present(changes)))
  return new Set(responses.map(({ status }) => status))
}

describe('many calls at once cause one fetch', () => {
  test('on a cold start', async () => {
    const harness = await createKeyHarness()
    harness.endpoint.respond = after(50, withBody(harness.issuer.jwks()))
    expect(await presentMany(harness)).toEqual(new Set([ACCEPTED]))
    expect(harness.fetches()).toBe(1)
  })

  test('on a cold start that fails, and share its outcome', async () => {
    const harness = await createKeyHarness()
    harness.endpoint.respond = after(50, breakConnection)
    expect(await presentMany(harness)).toEqual(new Set([500]))
    expect(harness.fetches()).toBe(1)
  })

  test('on a refresh', async () => {
    stopClock()
    const harness = await createKeyHarness()
    await harness.present()
    passTime(10 * MINUTE)
    expect(await presentMany(harness)).toEqual(new Set([ACCEPTED]))
    expect(harness.fetches()).toBe(2)
  })

  test('on a key ID that is new, and all of them find it', async () => {
    stopClock()
    const harness = await createKeyHarness()
    const next = await harness.createKey()
    await harness.present()
    passTime(30 * SECOND)
    const both = [harness.issuer.keys[0].publicJWK, next.publicJWK]
    harness.endpoint.respond = after(50, withBody(harness.issuer.jwks(both)))
    expect(await presentMany(harness, { key: next })).toEqual(new Set([ACCEPTED]))
    expect(harness.fetches()).toBe(2)
  })
})

/** The Worker's modules anew: memory of an isolate that has not seen the issuer, beside the same Cache API. */
async function startIsolate({ issuer }: KeyHarness, vars: Vars = {}) {
  vi.resetModules()
  const fresh = (await import('../src/index')) as { default: typeof worker }
  const call = createCaller(issuer, vars, fresh.default)
  return (key?: SigningKey) => presentOnce(call, { issuer }, key)
}

/** What was found wrong with a stranger's token. */
async function presentOnce(
  call: Caller,
  { issuer }: Pick<KeyHarness, 'issuer'>,
  key = issuer.keys[0],
): Promise<string | number> {
  const token = await issuer.token('a stranger', { key, claims: { exp: 99_999_999_999 } })
  const { status, line } = await call({ organizationID: 'o', userID: 'u', token })
  return line.reason ?? status
}

/** The token was judged and was good; that its subject is nobody says the database. */
const JUDGED = 'caller_unknown'

describe('an environment that is an object of its own', () => {
  test('shares the keys of its isolate: one fetch, though a wrapper copies the bindings each time', async () => {
    vi.spyOn(caches, 'open').mockRejectedValue(new Error('no cache here'))
    const harness = await createKeyHarness()
    await harness.present()
    for (let copies = 0; copies < 3; copies++) {
      expect(await presentOnce(createCaller(harness.issuer), harness)).toBe(JUDGED)
    }
    expect(harness.fetches()).toBe(1)
  })

  test('has keys of its own where it allows other algorithms', async () => {
    const harness = await createKeyHarness()
    await harness.present()
    const call = createCaller(harness.issuer, { TOKEN_ALGORITHMS: 'RS256' })
    const key = await createKey('RS256')
    harness.publish(key.publicJWK)
    expect(await presentOnce(call, harness, key)).toBe(JUDGED)
  })
})

describe('another isolate of the location', () => {
  test('uses what one has fetched, without asking the issuer', async () => {
    const harness = await createKeyHarness()
    await harness.present()
    const present = await startIsolate(harness)
    expect(await present()).toBe(JUDGED)
    expect(harness.fetches()).toBe(1)
  })

  test('takes the age of the keys over: it refreshes ten minutes after they were fetched', async () => {
    stopClock()
    const harness = await createKeyHarness()
    await harness.present()
    passTime(9 * MINUTE)
    const present = await startIsolate(harness)
    await present()
    expect(harness.fetches()).toBe(1)
    passTime(MINUTE)
    expect(await present()).toBe(JUDGED)
    expect(harness.fetches()).toBe(2)
  })

  test('starts while the issuer is down, with the keys that another one has fetched', async () => {
    stopClock()
    const harness = await createKeyHarness()
    await harness.present()
    harness.endpoint.respond = breakConnection
    passTime(24 * HOUR - 1)
    const present = await startIsolate(harness)
    expect(await present()).toBe(JUDGED)
    passTime(1)
    const late = await startIsolate(harness)
    expect(await late()).toBe('jwks_unavailable')
  })

  test('asks the issuer for a key that the cached set does not have', async () => {
    const harness = await createKeyHarness()
    await harness.present()
    const next = await harness.createKey()
    harness.publish(harness.issuer.keys[0].publicJWK, next.publicJWK)
    const present = await startIsolate(harness)
    expect(await present(next)).toBe(JUDGED)
    expect(harness.fetches()).toBe(2)
  })

  test('that allows other algorithms looks at the cached keys for itself', async () => {
    const harness = await createKeyHarness()
    await harness.present()
    const present = await startIsolate(harness, { TOKEN_ALGORITHMS: 'RS256' })
    expect(await present(await createKey('RS256'))).toBe('jwks_unavailable')
    expect(harness.fetches()).toBe(2)
  })

  test('asks the issuer where the Cache API does not work', async () => {
    const harness = await createKeyHarness()
    vi.spyOn(caches, 'open').mockRejectedValue(new Error('no cache here'))
    expect((await harness.present()).status).toBe(ACCEPTED)
    const present = await startIsolate(harness)
    expect(await present()).toBe(JUDGED)
    expect(harness.fetches()).toBe(2)
  })

  test('asks the issuer where the Cache API holds something else', async () => {
    const harness = await createKeyHarness()
    const cache = await caches.open('identity-jwks-2')
    const headers = { 'Cache-Control': 'max-age=3600' }
    await cache.put(harness.issuer.vars.JWKS_URL, new Response('{"keys":', { headers }))
    expect((await harness.present()).status).toBe(ACCEPTED)
  })
})

describe('with the binding ISSUER', () => {
  test('the keys are fetched through it, under JWKS_URL, and not over the network', async () => {
    const asked: string[] = []
    const issuerOfBinding = await createKeyHarness()
    const ISSUER = {
      async fetch(input: RequestInfo, init?: RequestInit) {
        asked.push(new Request(input, init).url)
        return new Response(issuerOfBinding.issuer.jwks())
      },
    }
    const call = createCaller(issuerOfBinding.issuer, {
      ISSUER,
      JWKS_URL: 'http://issuer.internal/keys',
    })
    const token = await issuerOfBinding.issuer.token('a stranger')
    const { line } = await call({ organizationID: 'o', userID: 'u', token })
    expect(line.reason).toBe('caller_unknown')
    expect(asked).toEqual(['http://issuer.internal/keys'])
    expect(fetch).not.toHaveBeenCalled()
  })

  test('an outage of it is a 500', async () => {
    const ISSUER = {
      async fetch() {
        throw new Error('the binding is broken')
      },
    }
    const harness = await createKeyHarness({ ISSUER })
    const response = await harness.present()
    expect(response.status).toBe(500)
    expect(response.line.reason).toBe('jwks_unavailable')
  })
})
