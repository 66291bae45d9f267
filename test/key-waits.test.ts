/**
 * The limits on what a request waits for while it needs keys: the Cache API, the issuer, and the load of another request.
 */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import worker from '../src/index'
import type { Environment } from '../src/config'
import { createSharedRun } from '../src/shared-run'
import { createWeakKey } from '../dev/test-keys.ts'
import { hang, withBody } from './support/jwks-responders'
import { isPending } from './support/pending'
import { createRequest } from './support/worker/caller'
import { MINUTE, passTime, SECOND, stopClock } from './support/worker/clock'
import { ACCEPTED, createKeyHarness } from './support/worker/key-harness'
import { createHarness } from './support/worker/harness'

const DAY_S = 24 * 60 * 60

describe('the Cache API', () => {
  test('that never responds delays a cold start only', async () => {
    vi.spyOn(caches, 'open').mockReturnValue(new Promise<never>(() => {}))
    const { present, fetches } = await createKeyHarness()
    expect((await present({}, { inBackground: true })).status).toBe(ACCEPTED)
    expect(fetches()).toBe(1)
  })

  test('keeps the keys for a day', async () => {
    const { present, issuer } = await createKeyHarness()
    await present()
    const cache = await caches.open('identity-jwks-2')
    const entry = await cache.match(issuer.vars.JWKS_URL)
    expect(entry?.headers.get('Cache-Control')).toBe(`max-age=${DAY_S}`)
    await entry?.text()
  })

  test('with an entry from the future gives keys that are ten minutes old in ten minutes', async () => {
    stopClock()
    const { present, issuer, fetches } = await createKeyHarness()
    const entry = { fetchedAt: Date.now() + 60 * MINUTE, text: issuer.jwks() }
    const headers = { 'Cache-Control': 'max-age=3600' }
    const cache = await caches.open('identity-jwks-2')
    await cache.put(issuer.vars.JWKS_URL, Response.json(entry, { headers }))
    await present()
    expect(fetches()).toBe(0)
    passTime(10 * MINUTE)
    await present()
    expect(fetches()).toBe(1)
  })

  test('is not used for keys that come through the binding ISSUER, nor read for them', async () => {
    const open = vi.spyOn(caches, 'open')
    const { issuer } = await createKeyHarness()
    const ISSUER = { fetch: async () => new Response(issuer.jwks()) }
    const bound = await createKeyHarness({ ...issuer.vars, ISSUER })
    expect(
      (await bound.present({ key: issuer.keys[0], claims: { iss: issuer.vars.TOKEN_ISSUER } }))
        .status,
    ).toBe(ACCEPTED)
    expect(open).not.toHaveBeenCalled()
  })
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
  expect((await network.present()).status).toBe(ACCEPTED)
  expect(network.fetches()).toBe(1)
})

test('a fetch of keys that is too late is aborted', async () => {
  const { present, endpoint } = await createKeyHarness()
  endpoint.respond = hang
  expect((await present()).status).toBe(500)
  expect(endpoint.requests.map(({ signal }) => signal.aborted)).toEqual([true])
})

test('a key ID of an unusable key is known: it causes no refresh', async () => {
  stopClock()
  const { present, publish, issuer, fetches } = await createKeyHarness()
  const weak = await createWeakKey()
  publish(issuer.keys[0].publicJWK, weak.publicJWK)
  await present()
  passTime(30 * SECOND)
  expect((await present({ header: { kid: weak.kid } })).status).toBe(401)
  expect(fetches()).toBe(1)
})

describe('a request that waits for the load of another one', () => {
  test('waits four seconds, then loads the keys itself', async () => {
    vi.spyOn(caches, 'open').mockRejectedValue(new Error('no cache here'))
    const { present, endpoint, issuer, fetches } = await createKeyHarness()
    endpoint.respond = hang
    // The timers of a request that is gone never fire.
    const timers = vi.spyOn(globalThis, 'setTimeout').mockReturnValue(0 as never)
    void present({}, { inBackground: true })
    await vi.waitUntil(() => fetches() === 1)
    timers.mockRestore()
    endpoint.respond = withBody(issuer.jwks())
    const waiting = await Promise.all([
      present({}, { inBackground: true }),
      present({}, { inBackground: true }),
    ])
    expect(waiting.map(({ status }) => status)).toEqual([ACCEPTED, ACCEPTED])
    expect(fetches()).toBe(2)
  })

  test('gives up together with others, of which one loads for all', async () => {
    const run = createSharedRun(100)
    const load = vi.fn<() => Promise<void>>(async () => {})
    void run.join(() => new Promise<never>(() => {}))
    expect(run.isRunning()).toBe(true)
    await Promise.all(Array.from({ length: 5 }, () => run.join(load)))
    expect(load).toHaveBeenCalledTimes(1)
    expect(run.isRunning()).toBe(false)
  })
})

test('a deletion is registered with the runtime, which else cancels it if its caller leaves', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const DB = {
    prepare: (sql: string) => env.DB.prepare(sql),
    async batch<T>(statements: D1PreparedStatement[]) {
      await promise
      return env.DB.batch<T>(statements)
    },
  }
  const { issuer, token, fixture } = await createHarness()
  const request = createRequest({ ...fixture.target, token: await token(fixture.administrator) })
  const ctx = createExecutionContext()
  const response = worker.fetch(
    request,
    { ...env, ...issuer.vars, DB } as unknown as Environment,
    ctx,
  )
  const settled = waitOnExecutionContext(ctx)
  expect(await isPending(settled)).toBe(true)
  resolve()
  await settled
  expect((await response).status).toBe(200)
})
