/**
 * Keys that concurrent calls, isolates and bindings share, or must not share, and the limits on what a call waits for.
 */
import { describe, expect, test, vi } from 'vitest'
import type worker from '../src/index'
import { createSharedRun } from '../src/shared-run'
import { createKey, type SigningKey } from '../dev/test-keys.ts'
import { after, breakConnection, hang, withBody } from './support/jwks-responders'
import { createCaller, type Caller, type Vars } from './support/worker/caller'
import { HOUR, MINUTE, passTime, SECOND, stopClock } from './support/worker/clock'
import { outcomeOf } from './support/worker/harness'
import { ACCEPTED, createKeyHarness, type KeyHarness } from './support/worker/key-harness'

const turnCacheOff = () => vi.spyOn(caches, 'open').mockRejectedValue(new Error('no cache here'))

async function presentMany({ present }: KeyHarness, key?: SigningKey): Promise<Set<number>> {
  const calls = Array.from({ length: 40 }, () => present(key && { key }))
  return new Set((await Promise.all(calls)).map(({ status }) => status))
}

describe('many calls at once cause one fetch', () => {
  test.each([ACCEPTED, 500])('on a cold start, and share its result: %i', async (status) => {
    const harness = await createKeyHarness()
    const respond = status === 500 ? breakConnection : withBody(harness.issuer.jwks())
    harness.endpoint.respond = after(50, respond)
    expect(await presentMany(harness)).toEqual(new Set([status]))
    expect(harness.fetches()).toBe(1)
  })

  test('on a new key ID, and all of them find the key', async () => {
    stopClock()
    const harness = await createKeyHarness()
    const next = await harness.createKey()
    await harness.present()
    passTime(30 * SECOND)
    const both = [harness.issuer.keys[0].publicJWK, next.publicJWK]
    harness.endpoint.respond = after(50, withBody(harness.issuer.jwks(both)))
    expect(await presentMany(harness, next)).toEqual(new Set([ACCEPTED]))
    expect(harness.fetches()).toBe(2)
  })
})

/** The reason in the log for a token with an unknown subject: `caller_unknown` if the token is valid. */
async function findReason(call: Caller, { issuer }: KeyHarness, key = issuer.keys[0]) {
  const token = await issuer.token('a stranger', { key, claims: { exp: 99_999_999_999 } })
  return (await call({ organizationID: 'o', userID: 'u', token })).line.reason
}

describe('a second environment of an isolate', () => {
  test('uses the keys of the first, though a wrapper copies the bindings each time', async () => {
    turnCacheOff()
    const harness = await createKeyHarness()
    await harness.present()
    for (let copies = 0; copies < 3; copies++) {
      expect(await findReason(createCaller(harness.issuer), harness)).toBe('caller_unknown')
    }
    expect(harness.fetches()).toBe(1)
  })

  test('has its own keys if it allows other algorithms', async () => {
    const harness = await createKeyHarness()
    await harness.present()
    const call = createCaller(harness.issuer, { TOKEN_ALGORITHMS: 'RS256' })
    const key = await createKey('RS256')
    harness.publish(key.publicJWK)
    expect(await findReason(call, harness, key)).toBe('caller_unknown')
  })
})

/** Loads the modules again: an isolate that has not seen the issuer, beside the same Cache API. */
async function startIsolate(harness: KeyHarness, vars: Vars = {}) {
  vi.resetModules()
  const module = (await import('../src/index')) as { default: typeof worker }
  const call = createCaller(harness.issuer, vars, module.default)
  return (key?: SigningKey) => findReason(call, harness, key)
}

describe('a second isolate of the location', () => {
  test('uses the keys that the first has fetched, until they are ten minutes old', async () => {
    stopClock()
    const harness = await createKeyHarness()
    await harness.present()
    passTime(9 * MINUTE)
    const present = await startIsolate(harness)
    expect([await present(), harness.fetches()]).toEqual(['caller_unknown', 1])
    passTime(MINUTE)
    expect([await present(), harness.fetches()]).toEqual(['caller_unknown', 2])
  })

  test('starts with these keys for 24 h while the issuer is down', async () => {
    stopClock()
    const harness = await createKeyHarness()
    await harness.present()
    const cache = await caches.open('identity-jwks-2')
    const entry = await cache.match(harness.issuer.vars.JWKS_URL)
    expect(entry?.headers.get('Cache-Control')).toBe(`max-age=${(24 * HOUR) / SECOND}`)
    await entry?.text()
    harness.endpoint.respond = breakConnection
    passTime(24 * HOUR - 1)
    expect(await (await startIsolate(harness))()).toBe('caller_unknown')
    passTime(1)
    expect(await (await startIsolate(harness))()).toBe('jwks_unavailable')
  })

  test('counts the age of a cached entry from the future from now on', async () => {
    stopClock()
    const harness = await createKeyHarness()
    const entry = { fetchedAt: Date.now() + 24 * HOUR, text: harness.issuer.jwks() }
    const response = Response.json(entry, { headers: { 'Cache-Control': 'max-age=3600' } })
    await (await caches.open('identity-jwks-2')).put(harness.issuer.vars.JWKS_URL, response)
    const present = await startIsolate(harness)
    expect([await present(), harness.fetches()]).toEqual(['caller_unknown', 0])
    passTime(10 * MINUTE)
    expect([await present(), harness.fetches()]).toEqual(['caller_unknown', 1])
  })

  test('asks the issuer for a key that the cached set does not have', async () => {
    const harness = await createKeyHarness()
    await harness.present()
    const next = await harness.createKey()
    harness.publish(harness.issuer.keys[0].publicJWK, next.publicJWK)
    const present = await startIsolate(harness)
    expect([await present(next), harness.fetches()]).toEqual(['caller_unknown', 2])
  })

  test('asks the issuer if the cached set has no key for its algorithms', async () => {
    const harness = await createKeyHarness()
    await harness.present()
    const present = await startIsolate(harness, { TOKEN_ALGORITHMS: 'RS256' })
    expect(await present(await createKey('RS256'))).toBe('jwks_unavailable')
    expect(harness.fetches()).toBe(2)
  })
})

test('the binding ISSUER carries the fetch, without the network and the Cache API', async () => {
  const open = vi.spyOn(caches, 'open')
  const fetched: string[] = []
  const JWKS_URL = 'http://issuer.internal/keys'
  const ISSUER = {
    async fetch(input: RequestInfo, init?: RequestInit) {
      fetched.push(new Request(input, init).url)
      if (fetched.length === 1) throw new Error('the binding is broken')
      return new Response(harness.issuer.jwks())
    },
  }
  stopClock()
  const harness: KeyHarness = await createKeyHarness({ ISSUER, JWKS_URL })
  expect(outcomeOf(await harness.present())).toBe('500 jwks_unavailable')
  passTime(SECOND)
  expect((await harness.present()).status).toBe(ACCEPTED)
  expect(fetched).toEqual([JWKS_URL, JWKS_URL])
  expect(fetch).not.toHaveBeenCalled()
  expect(open).not.toHaveBeenCalled()
})

test('keys never cross between bindings, nor between a binding and the network', async () => {
  const network = await createKeyHarness()
  const { issuer } = network
  const claims = { iss: issuer.vars.TOKEN_ISSUER }
  const statuses: number[] = []
  await network.present()
  for (let bindings = 0; bindings < 2; bindings++) {
    // The same URL is another issuer behind each binding.
    const own = await network.createKey()
    const ISSUER = { fetch: async () => new Response(issuer.jwks([own.publicJWK])) }
    const { present } = await createKeyHarness({ ...issuer.vars, ISSUER })
    statuses.push((await present({ key: own, claims })).status)
    statuses.push((await present({ key: issuer.keys[0], claims })).status)
  }
  expect(statuses).toEqual([ACCEPTED, 401, ACCEPTED, 401])
  expect([(await network.present()).status, network.fetches()]).toEqual([ACCEPTED, 1])
})

describe('a call waits', () => {
  test('a limited time for the Cache API, then fetches', async () => {
    vi.spyOn(caches, 'open').mockReturnValue(new Promise<never>(() => {}))
    const { present, fetches } = await createKeyHarness()
    expect((await present({}, { inBackground: true })).status).toBe(ACCEPTED)
    expect(fetches()).toBe(1)
  })

  test('a limited time for the issuer, then aborts the fetch', async () => {
    const { present, endpoint } = await createKeyHarness()
    endpoint.respond = hang
    expect((await present()).status).toBe(500)
    expect(endpoint.requests.map(({ signal }) => signal.aborted)).toEqual([true])
  })

  test('a limited time for the fetch of another call, then fetches', async () => {
    turnCacheOff()
    const { present, endpoint, issuer, fetches } = await createKeyHarness()
    endpoint.respond = hang
    const inBackground = true
    // The timers of a request that is gone never fire.
    const timers = vi.spyOn(globalThis, 'setTimeout').mockReturnValue(0 as never)
    void present({}, { inBackground })
    await vi.waitUntil(() => fetches() === 1)
    timers.mockRestore()
    endpoint.respond = withBody(issuer.jwks())
    const waiting = [present({}, { inBackground }), present({}, { inBackground })]
    const statuses = (await Promise.all(waiting)).map(({ status }) => status)
    expect([...statuses, fetches()]).toEqual([ACCEPTED, ACCEPTED, 2])
  })
})

test.each([0, 50])('of calls whose wait ends together one loads for all, in %d ms', async (ms) => {
  const run = createSharedRun(100)
  const load = vi.fn<() => Promise<void>>(async () => {
    if (ms > 0) await scheduler.wait(ms)
  })
  void run.join(() => new Promise<never>(() => {}))
  expect(run.isRunning()).toBe(true)
  await Promise.all(Array.from({ length: 5 }, () => run.join(load)))
  expect(load).toHaveBeenCalledTimes(1)
  expect(run.isRunning()).toBe(false)
})

test('a load that hangs counts as running until the time limit', () => {
  stopClock()
  const run = createSharedRun(100)
  void run.join(() => new Promise<never>(() => {}))
  passTime(100)
  expect(run.isRunning()).toBe(false)
})
