/**
 * Keys across isolates, which share nothing but the Cache API of their location: it saves a fetch, and whatever goes
 * wrong in it costs no more than one.
 */
import { afterAll, expect, test } from 'vitest'
import { withBody, withStatus } from '../support/jwks-answers'
import { createKey } from '../support/keys'
import { HOUR_MS, MINUTE_MS, SECOND_MS, startKeyRig } from './rig/key-rig'
import type { Plan } from './rig/plan'

const rig = await startKeyRig(['one', 'other'])
const { answers, ask, fetches, issuer } = rig
const good = withBody(issuer.jwks())
const down = withStatus(503, '')
afterAll(() => rig.stop())

/** Lets one isolate fetch the keys at the beginning of time, and waits until they are in the cache. */
async function prime(name: string): Promise<void> {
  answers.set(name, good)
  const { requestID } = await ask(name, { aheadMs: 0, worker: 'one' })
  await expect.poll(async () => (await rig.report(requestID, 'one')).cacheWrites).toBe(1)
}

test('another isolate takes the keys that one has fetched', async () => {
  const name = 'shared'
  await prime(name)
  answers.set(name, down)
  expect((await ask(name, { aheadMs: MINUTE_MS, worker: 'other' })).status).toBe(404)
  expect(fetches(name)).toBe(1)
})

test('keys do not grow younger on their way: another isolate refreshes them behind its answer', async () => {
  const name = 'stale'
  await prime(name)
  const late = { aheadMs: 10 * MINUTE_MS, worker: 'other' }
  expect((await ask(name, late)).status).toBe(404)
  await expect.poll(() => fetches(name)).toBe(2)
})

test('keys that another isolate fetched 24 hours ago serve nobody', async () => {
  const name = 'old'
  await prime(name)
  answers.set(name, down)
  const almost = { aheadMs: 24 * HOUR_MS - 1, worker: 'other' }
  expect((await ask(name, almost)).status).toBe(404)
  const over = { aheadMs: 24 * HOUR_MS, worker: 'other' }
  expect((await ask(name, over)).status).toBe(500)
})

test('keys that came from the cache do not put off the fetch for an unknown key ID', async () => {
  const name = 'unknown'
  await prime(name)
  const next = await createKey('ES256')
  answers.set(name, withBody(issuer.jwks([next.publicJWK])))
  const token = await rig.tokenOf(next)
  const late = { aheadMs: SECOND_MS, worker: 'other', token }
  expect((await ask(name, late)).status).toBe(404)
  expect(fetches(name)).toBe(2)
})

test('each isolate has its own 30 s for unknown key IDs', async () => {
  const name = 'cooldowns'
  await prime(name)
  const token = await rig.unknownToken()
  for (const [aheadMs, worker, count] of [
    [0, 'one', 1],
    [0, 'other', 2],
    [29_999, 'one', 2],
    [29_999, 'other', 2],
    [30_000, 'one', 3],
    [30_000, 'other', 4],
  ] as const) {
    expect((await ask(name, { aheadMs, worker, token })).status).toBe(401)
    expect([aheadMs, worker, fetches(name)]).toEqual([aheadMs, worker, count])
  }
})

type CacheFault = Exclude<Plan['cache'], undefined>

const entry = (fetchedAt: unknown, text: unknown): CacheFault => ({
  holds: JSON.stringify({ fetchedAt, text }),
})

test.for<{ what: string; cache: CacheFault }>([
  { what: 'hangs', cache: 'hangs' },
  { what: 'fails', cache: 'throws' },
  { what: 'holds something that is not JSON', cache: { holds: 'not JSON' } },
  { what: 'holds null', cache: { holds: 'null' } },
  { what: 'holds an entry without a time', cache: entry(undefined, issuer.jwks()) },
  { what: 'holds an entry whose time is a text', cache: entry('yesterday', issuer.jwks()) },
  { what: 'holds an entry without keys', cache: entry(Date.now(), '{"keys":[]}') },
  { what: 'holds an entry that is no key set', cache: entry(Date.now(), 7) },
])('where the Cache API $what, the issuer is asked', async ({ what, cache }) => {
  const name = what.replaceAll(' ', '-')
  answers.set(name, good)
  const { status, requestID } = await ask(name, { plan: { cache } })
  expect(status).toBe(404)
  expect(fetches(name)).toBe(1)
  expect((await rig.report(requestID)).cacheReads).toBe(1)
})

test('an entry from the future is as old as now', async () => {
  const name = 'future'
  answers.set(name, down)
  const cache = entry(Date.now() + 365 * 24 * HOUR_MS, issuer.jwks())
  expect((await ask(name, { plan: { cache }, aheadMs: 0 })).status).toBe(404)
  expect((await ask(name, { plan: { cache }, aheadMs: 24 * HOUR_MS - 1 })).status).toBe(404)
  expect((await ask(name, { aheadMs: 24 * HOUR_MS })).status).toBe(500)
})
