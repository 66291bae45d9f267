/**
 * Keys as time passes, in isolates that share nothing but the Cache API: how often keys are fetched, and which entries
 * of the cache are used. The test sets the clock of each request. test/keys-freshness.test.ts has the life of a key set.
 */
import { afterAll, expect, test } from 'vitest'
import { heldBack, withBody, withStatus } from '../support/jwks-responders'
import { HOUR_MS, MINUTE_MS, startKeyHarness } from './harness/key-harness'

const harness = await startKeyHarness(['one', 'other'])
const { responses, ask, fetches, issuer } = harness
const up = withBody(issuer.jwks())
const down = withStatus(503, '')
afterAll(() => harness.stop())

/** The statuses of calls at the same moment. */
async function askAtOnce(calls: readonly Parameters<typeof ask>[]): Promise<Set<number>> {
  return new Set((await Promise.all(calls.map((each) => ask(...each)))).map(({ status }) => status))
}

const waitForFetch = (name: string, count: number) =>
  expect.poll(() => fetches(name), { timeout: 10_000 }).toBe(count)

test.for([
  { issuerIs: 'up', response: up },
  { issuerIs: 'down', response: down },
])(
  'a flood of unknown key IDs causes one fetch every 30 s while the issuer is $issuerIs',
  async ({ issuerIs, response }) => {
    const name = `flood-${issuerIs}`
    responses.set(name, up)
    await ask(name, { aheadMs: 0 })
    responses.set(name, response)
    const tokens = await Promise.all(Array.from({ length: 50 }, () => harness.unknownToken()))
    for (const [aheadMs, count] of [
      [0, 1],
      [29_999, 1],
      [30_000, 2],
      [59_999, 2],
      [60_000, 3],
      [89_999, 3],
      [90_000, 4],
    ] as const) {
      const statuses = await askAtOnce(tokens.map((token) => [name, { token, aheadMs }]))
      expect([aheadMs, statuses, fetches(name)]).toEqual([aheadMs, new Set([401]), count])
    }
    expect((await ask(name, { aheadMs: 90_001 })).status).toBe(404)
  },
)

test('a refresh behind a response counts for the 30 s, also one that failed', async () => {
  const name = 'cooldown'
  const token = await harness.unknownToken()
  responses.set(name, up)
  await ask(name, { aheadMs: 0 })
  responses.set(name, down)
  await ask(name, { aheadMs: 10 * MINUTE_MS })
  await waitForFetch(name, 2)
  for (const [afterMs, count] of [
    [1, 2],
    [29_999, 2],
    [30_000, 3],
  ] as const) {
    const aheadMs = 10 * MINUTE_MS + afterMs
    const statuses = [
      (await ask(name, { aheadMs, token })).status,
      (await ask(name, { aheadMs })).status,
    ]
    expect([statuses, fetches(name)]).toEqual([[401, 404], count])
  }
})

test.for([
  { issuerIs: 'up', response: up, status: 404 },
  { issuerIs: 'down', response: down, status: 500 },
])('100 calls of a cold isolate cause one fetch while the issuer is $issuerIs', async (given) => {
  const name = `cold-${given.issuerIs}`
  const held = heldBack(given.response)
  responses.set(name, held.respond)
  const calls = askAtOnce(Array.from({ length: 100 }, () => [name]))
  await waitForFetch(name, 1)
  held.release()
  expect(await calls).toEqual(new Set([given.status]))
  expect(fetches(name)).toBe(1)
})

test('each isolate has its own 30 s for unknown key IDs', async () => {
  const name = 'isolates'
  responses.set(name, up)
  const { requestID } = await ask(name, { aheadMs: 0, worker: 'one' })
  await expect.poll(async () => (await harness.report(requestID, 'one')).cacheWrites).toBe(1)
  const token = await harness.unknownToken()
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

const entry = (fetchedAt: unknown, text: unknown) => JSON.stringify({ fetchedAt, text })

test.for([
  ['null', 'null'],
  ['an entry without a time', entry(undefined, issuer.jwks())],
  ['an entry whose time is a text', entry('yesterday', issuer.jwks())],
  ['an entry without keys', entry(Date.now(), '{"keys":[]}')],
  ['an entry that is no key set', entry(Date.now(), 7)],
] as const)('if the Cache API holds %s, the issuer is asked', async ([what, holds]) => {
  const name = what.replaceAll(' ', '-')
  responses.set(name, up)
  const { status, requestID } = await ask(name, { plan: { cache: { holds } } })
  expect([status, fetches(name)]).toEqual([404, 1])
  expect((await harness.report(requestID)).cacheReads).toBe(1)
})

test('an entry from the future is used for 24 hours from now', async () => {
  const name = 'future'
  responses.set(name, down)
  const cache = { holds: entry(Date.now() + 365 * 24 * HOUR_MS, issuer.jwks()) }
  expect((await ask(name, { plan: { cache }, aheadMs: 0 })).status).toBe(404)
  expect((await ask(name, { plan: { cache }, aheadMs: 24 * HOUR_MS - 1 })).status).toBe(404)
  expect((await ask(name, { aheadMs: 24 * HOUR_MS })).status).toBe(500)
})
