/**
 * Keys in real isolates: requests that wait for the fetch of a caller that disconnects, a flood of unknown key IDs, invalid
 * entries of the Cache API, and the platform's work for one request. A promise of a request that has ended may never
 * settle, so each waiting request must be able to fetch the keys itself.
 */
import { afterAll, expect, test } from 'vitest'
import { createKey } from '../../dev/test-keys.ts'
import { heldBack, withBody, withStatus, type JwksResponder } from '../support/jwks-responders'
import { MINUTE_MS, startKeyHarness, type Ask } from './harness/key-harness'
import type { DatabaseFault, Report } from './harness/worker'

const harness = await startKeyHarness(['one', 'other'])
const { responses, ask, fetches, issuer } = harness
const up = withBody(issuer.jwks())
const down = withStatus(503, '')
afterAll(() => harness.stop())

const poll = (question: () => unknown) => expect.poll(question, { timeout: 20_000 })
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))

/** Holds back the first request to the issuer and responds to the others. */
function holdFirst(name: string): { release: () => void } {
  const held = heldBack(up)
  let isFirst = true
  const respond: JwksResponder = (request) => {
    const mine = isFirst ? held.respond : up
    isFirst = false
    return mine(request)
  }
  responses.set(name, respond)
  return held
}

/** Starts a call, waits until its fetch is at the issuer, and disconnects its caller. */
async function abandon(name: string, asked: Ask, fetched: number): Promise<void> {
  const leave = await harness.askAndLeave(name, asked)
  await poll(() => fetches(name)).toBe(fetched)
  leave()
}

const statuses = async (
  calls: readonly Promise<{ readonly status: number }>[],
): Promise<Set<number>> => new Set((await Promise.all(calls)).map(({ status }) => status))

test.for([
  { fetch: 'goes on', mortal: false, count: 1 },
  { fetch: 'ends with its caller', mortal: true, count: 2 },
])('30 requests that wait for a fetch get keys by $count fetches if it $fetch', async (given) => {
  const name = `waiting-${given.count}`
  const held = holdFirst(name)
  await abandon(name, { plan: { mortal: given.mortal } }, 1)
  const waiting = times(30, () => ask(name))
  await new Promise((resolve) => setTimeout(resolve, 300))
  if (!given.mortal) held.release()
  expect(await statuses(waiting)).toEqual(new Set([404]))
  expect(fetches(name)).toBe(given.count)
})

test('requests with an unknown key fetch for themselves if the fetch they wait for has ended', async () => {
  const name = 'unknown'
  const token = await harness.unknownToken()
  responses.set(name, up)
  expect((await ask(name, { aheadMs: -MINUTE_MS })).status).toBe(404)
  holdFirst(name)
  await abandon(name, { plan: { mortal: true }, token }, 2)
  const waiting = times(10, () => ask(name, { token }))
  const others = times(10, () => ask(name))
  expect(await statuses(others)).toEqual(new Set([404]))
  expect(await statuses(waiting)).toEqual(new Set([401]))
  expect(fetches(name)).toBe(3)
})

test('refreshes the keys again after a refresh has ended with its request', async () => {
  const name = 'refresh'
  responses.set(name, up)
  await ask(name, { aheadMs: 0 })
  holdFirst(name)
  // The response comes before the fetch has ended, and nothing keeps the fetch alive.
  expect((await ask(name, { aheadMs: 10 * MINUTE_MS, plan: { mortal: true } })).status).toBe(404)
  for (const minutes of [11, 12]) {
    expect((await ask(name, { aheadMs: minutes * MINUTE_MS })).status).toBe(404)
  }
  await poll(() => fetches(name)).toBeGreaterThanOrEqual(2)
  const token = await harness.unknownToken()
  expect((await ask(name, { aheadMs: 13 * MINUTE_MS, token })).status).toBe(401)
})

test.for([
  { issuerIs: 'up', response: up },
  { issuerIs: 'down', response: down },
])(
  'a flood of unknown key IDs causes one fetch every 30 s in each isolate while the issuer is $issuerIs',
  async ({ issuerIs, response }) => {
    const name = `flood-${issuerIs}`
    responses.set(name, up)
    const { requestID } = await ask(name, { aheadMs: 0 })
    await poll(async () => (await harness.report(requestID)).cacheWrites).toBe(1)
    responses.set(name, response)
    const tokens = await Promise.all(times(50, () => harness.unknownToken()))
    for (const [aheadMs, ...counts] of [
      [0, 1, 2],
      [29_999, 2, 2],
      [30_000, 3, 4],
      [59_999, 4, 4],
      [60_000, 5, 6],
    ] as const) {
      for (const [index, worker] of ['one', 'other'].entries()) {
        const flood = tokens.map((token) => ask(name, { token, aheadMs, worker }))
        const known = await ask(name, { aheadMs, worker })
        const seen = [known.status, ...(await statuses(flood)), fetches(name)]
        expect([aheadMs, worker, ...seen]).toEqual([aheadMs, worker, 404, 401, counts[index]])
      }
    }
  },
)

test('a fetch behind a response counts for the 30 s, also if it failed', async () => {
  const name = 'cooldown'
  const token = await harness.unknownToken()
  responses.set(name, up)
  await ask(name, { aheadMs: 0 })
  responses.set(name, down)
  await ask(name, { aheadMs: 10 * MINUTE_MS })
  await poll(() => fetches(name)).toBe(2)
  for (const [afterMs, count] of [
    [29_999, 2],
    [30_000, 3],
  ] as const) {
    const aheadMs = 10 * MINUTE_MS + afterMs
    expect((await ask(name, { aheadMs, token })).status).toBe(401)
    expect((await ask(name, { aheadMs })).status).toBe(404)
    expect([afterMs, fetches(name)]).toEqual([afterMs, count])
  }
})

const entry = (fetchedAt: unknown, text: unknown) => JSON.stringify({ fetchedAt, text })

test.for([
  ['null', 'null'],
  ['an entry without a time', entry(undefined, issuer.jwks())],
  ['an entry whose time is a text', entry('yesterday', issuer.jwks())],
  ['an entry without keys', entry(Date.now(), '{"keys":[]}')],
  ['an entry that is not a key set', entry(Date.now(), 7)],
] as const)('fetches the keys if the Cache API holds %s', async ([what, cached]) => {
  const name = what.replaceAll(' ', '-')
  responses.set(name, up)
  const { status, requestID } = await ask(name, { plan: { cached } })
  expect([status, fetches(name)]).toEqual([404, 1])
  expect((await harness.report(requestID)).cacheReads).toBe(1)
})

function count({ fetches: fetched, cacheReads, cacheWrites, batches }: Report): number {
  return fetched + cacheReads + cacheWrites + batches
}

test('a request makes six subrequests and twelve statements at most', async () => {
  const next = await createKey('ES256')
  const token = await harness.tokenOf(next)
  const renewed = withBody(issuer.jwks([issuer.keys[0].publicJWK, next.publicJWK]))
  const plan = { cached: entry(Date.now(), issuer.jwks()) }
  const states: readonly (Ask & { readonly isWarm?: boolean })[] = [
    { aheadMs: 0 },
    { plan },
    { plan, token },
    { isWarm: true, aheadMs: 1 },
    { isWarm: true, aheadMs: 10 * MINUTE_MS },
    { isWarm: true, aheadMs: MINUTE_MS, token },
    { isWarm: true, aheadMs: 10 * MINUTE_MS, token },
  ]
  const lost: DatabaseFault = { message: 'Network connection lost.', commits: true }
  const cases = states.flatMap((state) =>
    [0, 1, 2, 3].flatMap((faults) => [
      { state, faults, response: renewed },
      { state, faults, response: down },
    ]),
  )
  const reports = await Promise.all(
    cases.map(async ({ state: { isWarm = false, ...asked }, faults, response }, index) => {
      const name = `limit-${index}`
      responses.set(name, up)
      if (isWarm) await ask(name, { aheadMs: 0 })
      responses.set(name, response)
      const database = times(faults, () => lost)
      const { requestID } = await ask(name, { ...asked, plan: { ...asked.plan, database } })
      // Work behind the response counts as well.
      await new Promise((resolve) => setTimeout(resolve, 500))
      return harness.report(requestID)
    }),
  )
  const most = reports.toSorted((a, b) => count(b) - count(a))[0]
  const maximum = { cacheReads: 1, fetches: 1, cacheWrites: 1, batches: 3, statements: 12 }
  expect(most).toMatchObject(maximum)
  const usual = reports[cases.findIndex(({ state }) => state.aheadMs === 1)]
  const minimum = { cacheReads: 0, fetches: 0, cacheWrites: 0, batches: 1, statements: 4 }
  expect(usual).toMatchObject(minimum)
})
