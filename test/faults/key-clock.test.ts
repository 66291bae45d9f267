/**
 * Keys as time passes: when they are fetched, by whom, and how long they serve. The clock of each request is the test's
 * own; the exact millisecond on either side of each limit is looked at.
 */
import { afterAll, expect, test } from 'vitest'
import { heldBack, withBody, withStatus } from '../support/jwks-answers'
import { createKey } from '../support/keys'
import { HOUR_MS, MINUTE_MS, SECOND_MS, startKeyRig } from './rig/key-rig'

const rig = await startKeyRig()
const { answers, ask, fetches, issuer } = rig
const good = withBody(issuer.jwks())
const down = withStatus(503, '')
afterAll(() => rig.stop())

/** The statuses of calls at the same moment. */
async function askAtOnce(calls: readonly Parameters<typeof ask>[]): Promise<readonly number[]> {
  return (await Promise.all(calls.map((each) => ask(...each)))).map(({ status }) => status)
}

/** Waits until the issuer has got a request. */
async function waitForFetch(name: string, count: number): Promise<void> {
  await expect.poll(() => fetches(name), { timeout: 10_000 }).toBe(count)
}

test('keys are fresh for ten minutes, and then refreshed once, behind the answers', async () => {
  const name = 'fresh'
  answers.set(name, good)
  await ask(name, { aheadMs: 0 })
  await ask(name, { aheadMs: 10 * MINUTE_MS - 1 })
  expect(fetches(name)).toBe(1)

  const held = heldBack(good)
  answers.set(name, held.answer)
  const calls = Array.from({ length: 20 }, () => [name, { aheadMs: 10 * MINUTE_MS }] as const)
  // Nobody has released the issuer's answer, so whoever waited for it would wait here.
  expect(new Set(await askAtOnce(calls.map(([of, how]) => [of, how])))).toEqual(new Set([404]))
  expect(fetches(name)).toBe(2)
  held.release()
})

test('what a refresh has brought replaces what was there', async () => {
  const name = 'rotated'
  const next = await createKey('ES256')
  answers.set(name, good)
  await ask(name, { aheadMs: 0 })
  answers.set(name, withBody(issuer.jwks([next.publicJWK])))
  await ask(name, { aheadMs: 10 * MINUTE_MS })
  await waitForFetch(name, 2)
  const token = await rig.tokenOf(next)
  await expect
    .poll(async () => (await ask(name, { token, aheadMs: 10 * MINUTE_MS + 1 })).status)
    .toBe(404)
  expect((await ask(name, { aheadMs: 10 * MINUTE_MS + 2 })).status).toBe(401)
  expect(fetches(name)).toBe(2)
})

test('a new key is taken with the first token that names it', async () => {
  const name = 'new-key'
  const next = await createKey('ES256')
  answers.set(name, good)
  await ask(name, { aheadMs: 0 })
  answers.set(name, withBody(issuer.jwks([issuer.keys[0].publicJWK, next.publicJWK])))
  const token = await rig.tokenOf(next)
  expect((await ask(name, { token, aheadMs: 30 * SECOND_MS })).status).toBe(404)
  expect(fetches(name)).toBe(2)
})

test.for([
  { issuerIs: 'up', answer: good },
  { issuerIs: 'down', answer: down },
])(
  'a flood of unknown key IDs causes one fetch every 30 s while the issuer is $issuerIs',
  async ({ issuerIs, answer }) => {
    const name = `flood-${issuerIs}`
    answers.set(name, good)
    await ask(name, { aheadMs: 0 })
    answers.set(name, answer)
    const tokens = await Promise.all(Array.from({ length: 50 }, () => rig.unknownToken()))
    const flood = (aheadMs: number): Promise<readonly number[]> =>
      askAtOnce(tokens.map((token) => [name, { token, aheadMs }]))

    const seen: (readonly [number, number])[] = []
    for (const aheadMs of [0, 29_999, 30_000, 59_999, 60_000, 89_999, 90_000]) {
      expect(new Set(await flood(aheadMs))).toEqual(new Set([401]))
      seen.push([aheadMs, fetches(name)])
    }
    expect(seen).toEqual([
      [0, 1],
      [29_999, 1],
      [30_000, 2],
      [59_999, 2],
      [60_000, 3],
      [89_999, 3],
      [90_000, 4],
    ])
    expect((await ask(name, { aheadMs: 90_001 })).status).toBe(404)
  },
)

test('a refresh behind an answer counts for the 30 s, also one that failed', async () => {
  const name = 'cooldown'
  const token = await rig.unknownToken()
  answers.set(name, good)
  await ask(name, { aheadMs: 0 })
  answers.set(name, down)
  await ask(name, { aheadMs: 10 * MINUTE_MS })
  await waitForFetch(name, 2)
  for (const [aheadMs, count] of [
    [1, 2],
    [29_999, 2],
    [30_000, 3],
  ] as const) {
    const statuses = [
      (await ask(name, { aheadMs: 10 * MINUTE_MS + aheadMs, token })).status,
      (await ask(name, { aheadMs: 10 * MINUTE_MS + aheadMs })).status,
    ]
    expect([statuses, fetches(name)]).toEqual([[401, 404], count])
  }
})

test('in an outage the last good keys serve for 24 hours, to the millisecond', async () => {
  const name = 'outage'
  answers.set(name, good)
  await ask(name, { aheadMs: 0 })
  answers.set(name, down)
  for (const hours of [1, 6, 12, 18, 23]) {
    expect((await ask(name, { aheadMs: hours * HOUR_MS })).status).toBe(404)
  }
  expect((await ask(name, { aheadMs: 24 * HOUR_MS - 1 })).status).toBe(404)
  const over = await ask(name, { aheadMs: 24 * HOUR_MS })
  expect([over.status, over.headers.get('Retry-After')]).toEqual([500, '1'])
  answers.set(name, good)
  expect((await ask(name, { aheadMs: 24 * HOUR_MS + 1 })).status).toBe(404)
})

test.for([
  { issuerIs: 'up', answer: good, status: 404 },
  { issuerIs: 'down', answer: down, status: 500 },
])('100 calls of a cold isolate cause one fetch while the issuer is $issuerIs', async (given) => {
  const name = `cold-${given.issuerIs}`
  const held = heldBack(given.answer)
  answers.set(name, held.answer)
  const calls = askAtOnce(Array.from({ length: 100 }, () => [name]))
  await waitForFetch(name, 1)
  held.release()
  expect(new Set(await calls)).toEqual(new Set([given.status]))
  expect(fetches(name)).toBe(1)
})

test('without any keys each call tries once more, and none is refused for it', async () => {
  const name = 'without-keys'
  answers.set(name, down)
  for (const count of [1, 2, 3]) {
    const aheadMs = count * SECOND_MS
    expect((await ask(name, { aheadMs })).status).toBe(500)
    expect((await ask(name, { aheadMs, token: await rig.unknownToken() })).status).toBe(500)
  }
  answers.set(name, good)
  expect((await ask(name, { aheadMs: 4 * SECOND_MS })).status).toBe(404)
  expect(fetches(name)).toBe(7)
})
