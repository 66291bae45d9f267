/**
 * What one request asks of the platform at most. Every state of the keys is combined with every course of the database,
 * and the worst of them stands in docs/reliability.md.
 */
import { afterAll, expect, test } from 'vitest'
import { withBody, withStatus, type JwksResponder } from '../support/jwks-responders'
import { createKey } from '../../dev/test-keys.ts'
import { MINUTE_MS, startKeyHarness, type Ask } from './harness/key-harness'
import type { DatabaseFault, Report } from './harness/plan'
import { clearRows, writeRows } from './harness/results'

const TABLE = 'subrequests'
clearRows(TABLE)
const harness = await startKeyHarness()
const { responses, ask, issuer } = harness
afterAll(() => harness.stop())

const next = await createKey('ES256')
const token = await harness.tokenOf(next)
const old = issuer.jwks()
const renewed = issuer.jwks([issuer.keys[0].publicJWK, next.publicJWK])
const holdsOld = { holds: JSON.stringify({ fetchedAt: Date.now(), text: old }) }
const LOST: DatabaseFault = { at: 'after', message: 'Network connection lost.' }

interface Keys {
  readonly keys: string
  readonly isWarm: boolean
  readonly asked: Ask
}

const states: readonly Keys[] = [
  { keys: 'cold', isWarm: false, asked: { aheadMs: 0 } },
  { keys: 'cold, with old ones in the cache', isWarm: false, asked: { plan: { cache: holdsOld } } },
  {
    keys: 'cold, with old ones in the cache, and a new key ID',
    isWarm: false,
    asked: { token, plan: { cache: holdsOld } },
  },
  { keys: 'fresh', isWarm: true, asked: { aheadMs: 1 } },
  { keys: 'stale', isWarm: true, asked: { aheadMs: 10 * MINUTE_MS } },
  { keys: 'fresh, and a new key ID', isWarm: true, asked: { aheadMs: MINUTE_MS, token } },
  { keys: 'stale, and a new key ID', isWarm: true, asked: { aheadMs: 10 * MINUTE_MS, token } },
]

const courses = [[], [LOST], [LOST, LOST], [LOST, LOST, LOST]]

function countSubrequests({ fetches, cacheReads, cacheWrites, batches }: Report): number {
  return fetches + cacheReads + cacheWrites + batches
}

interface Seen {
  readonly keys: string
  readonly report: Report
}

let named = 0

async function observe(
  { keys, isWarm, asked }: Keys,
  database: readonly DatabaseFault[],
  response: JwksResponder,
): Promise<Seen> {
  const name = `case-${(named += 1)}`
  responses.set(name, withBody(old))
  if (isWarm) await ask(name, { aheadMs: 0 })
  responses.set(name, response)
  const { requestID } = await ask(name, { ...asked, plan: { ...asked.plan, database } })
  // What goes on behind the answer counts as well.
  await new Promise((resolve) => setTimeout(resolve, 500))
  return { keys, report: await harness.report(requestID) }
}

test('no request asks more than six times, nor D1 more than twelve statements', async () => {
  const seen = await Promise.all(
    states.flatMap((state) =>
      courses.flatMap((course) => [
        observe(state, course, withBody(renewed)),
        observe(state, course, withStatus(503, '')),
      ]),
    ),
  )
  expect(seen.length).toBe(states.length * courses.length * 2)
  const worst = seen.toSorted((a, b) => countSubrequests(b.report) - countSubrequests(a.report))[0]
  expect(worst).toMatchObject({
    keys: 'cold',
    report: { cacheReads: 1, fetches: 1, cacheWrites: 1, batches: 3, statements: 12 },
  })
  const usual = seen.find(({ keys }) => keys === 'fresh')
  expect(usual?.report).toMatchObject({ cacheReads: 0, fetches: 0, cacheWrites: 0, batches: 1 })
  writeRows(
    TABLE,
    [usual, worst].flatMap((found) => {
      if (found === undefined) return []
      const { fetches, cacheReads, cacheWrites, batches, statements } = found.report
      return {
        Request: `keys ${found.keys}${batches > 1 ? '; D1 fails twice' : ''}`,
        'Cache API': cacheReads + cacheWrites,
        'Key fetches': fetches,
        'D1 batches': batches,
        Subrequests: countSubrequests(found.report),
        'D1 statements': statements,
      }
    }),
  )
})
