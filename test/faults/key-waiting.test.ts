/**
 * Requests that wait for keys which another request fetches, if the caller of that request goes away. A promise of a
 * request that has ended may never settle, so each waiting request must be able to fetch the keys itself.
 */
import { afterAll, expect, test } from 'vitest'
import { heldBack, withBody, type JwksResponder } from '../support/jwks-responders'
import { MINUTE_MS, startKeyHarness, type Ask } from './harness/key-harness'
import type { Observation } from './harness/start'

const harness = await startKeyHarness()
const { responses, ask, fetches, issuer } = harness
const valid = withBody(issuer.jwks())
afterAll(() => harness.stop())

const poll = (question: () => unknown) => expect.poll(question, { timeout: 20_000 })

/** Holds back the first request to the issuer, responds to the others. */
function holdFirst(name: string): { release: () => void } {
  const held = heldBack(valid)
  let isFirst = true
  const response: JwksResponder = (request) => {
    const mine = isFirst ? held.respond : valid
    isFirst = false
    return mine(request)
  }
  responses.set(name, response)
  return held
}

/** Starts a call, waits until its fetch is at the issuer, and lets its caller go away. */
async function abandon(name: string, asked: Ask, fetched: number): Promise<void> {
  const leave = await harness.askAndLeave(name, asked)
  await poll(() => fetches(name)).toBe(fetched)
  leave()
}

const statuses = async (calls: readonly Promise<Observation>[]): Promise<Set<number>> =>
  new Set((await Promise.all(calls)).map(({ status }) => status))

test('a request that waits for the fetch of a caller that went away gets its keys from that fetch', async () => {
  const name = 'survivor'
  const held = holdFirst(name)
  await abandon(name, {}, 1)
  const followers = Array.from({ length: 30 }, () => ask(name))
  await new Promise((resolve) => setTimeout(resolve, 300))
  held.release()
  expect(await statuses(followers)).toEqual(new Set([404]))
  expect(fetches(name)).toBe(1)
})

test('if the fetch ends with its caller, one waiting request fetches for all', async () => {
  const name = 'orphans'
  holdFirst(name)
  await abandon(name, { plan: { mortal: true } }, 1)
  const followers = Array.from({ length: 30 }, () => ask(name))
  expect(await statuses(followers)).toEqual(new Set([404]))
  expect(fetches(name)).toBe(2)
})

test('a request with an unknown key that waits for a fetch that ended fetches itself', async () => {
  const name = 'unknown'
  const token = await harness.unknownToken()
  responses.set(name, valid)
  expect((await ask(name, { aheadMs: -MINUTE_MS })).status).toBe(404)
  holdFirst(name)
  await abandon(name, { plan: { mortal: true }, token }, 2)
  const followers = Array.from({ length: 10 }, () => ask(name, { token }))
  const others = Array.from({ length: 10 }, () => ask(name))
  expect(await statuses(others)).toEqual(new Set([404]))
  expect(await statuses(followers)).toEqual(new Set([401]))
  expect(fetches(name)).toBe(3)
})

test('a refresh that ends with its request is not the last one', async () => {
  const name = 'refresh'
  responses.set(name, valid)
  await ask(name, { aheadMs: 0 })
  holdFirst(name)
  // The answer is there before the fetch has ended, and nothing keeps the fetch alive.
  expect((await ask(name, { aheadMs: 10 * MINUTE_MS, plan: { mortal: true } })).status).toBe(404)
  for (const minutes of [11, 12]) {
    expect((await ask(name, { aheadMs: minutes * MINUTE_MS })).status).toBe(404)
  }
  await poll(() => fetches(name)).toBeGreaterThanOrEqual(2)
  const token = await harness.unknownToken()
  expect((await ask(name, { aheadMs: 13 * MINUTE_MS, token })).status).toBe(401)
})

test('if half of 200 callers of a cold isolate go away, the others get their responses', async () => {
  const name = 'crowd'
  const held = holdFirst(name)
  const leave = await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      harness.askAndLeave(name, { plan: { mortal: index % 2 === 0 } }),
    ),
  )
  const staying = Array.from({ length: 100 }, () => ask(name))
  await poll(() => fetches(name)).toBeGreaterThan(0)
  for (const each of leave) each()
  held.release()
  expect(await statuses(staying)).toEqual(new Set([404]))
})
