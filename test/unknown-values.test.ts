/**
 * Values from the database that the code does not know, none of which breaks a response. The log has the frames of such an
 * error, without its message.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { withBatch } from './support/database'
import { createHarness, outcomeOf } from './support/worker/harness'

type Row = Readonly<Record<string, unknown>>

/** Calls with the real database, whose results are changed on their way back. */
async function callWithResults(change: (results: D1Result<Row>[]) => D1Result[]) {
  const DB = withBatch(env.DB, async (statements) => change(await env.DB.batch<Row>(statements)))
  const { callAs, fixture } = await createHarness({ vars: { DB } })
  return callAs(fixture.administrator)
}

const FAILED = '500 database_failed'
type Change = (report: Row) => Row | undefined
const withOutcome =
  (outcome: unknown): Change =>
  (report) => ({ ...report, outcome })

test.each<[title: string, outcome: string, change: Change]>([
  ['an unknown outcome', FAILED, withOutcome('archived')],
  ['the name of another reason', FAILED, withOutcome('jwks_unavailable')],
  ['a last administrator that is not kept', FAILED, withOutcome('last_administrator')],
  ['the outcome null', FAILED, withOutcome(null)],
  ['an outcome of another type', FAILED, withOutcome(1)],
  ['no outcome', FAILED, () => ({})],
  ['no row', FAILED, () => undefined],
  ['an unknown kind of caller', FAILED, (report) => ({ ...report, actorKind: 'robot' })],
  ['a count that is a text', FAILED, (report) => ({ ...report, groupsRemoved: '2' })],
  ['an unknown state of the caller', '401 caller_suspended', withOutcome('caller_archived')],
  ['an empty state of the caller', '401 caller_suspended', withOutcome('caller_')],
  ['an active caller in an error', '401 caller_suspended', withOutcome('caller_active')],
])('a report with %s gets %s, without a retry', async (_, outcome, change) => {
  const response = await callWithResults((results) => {
    const last = results.at(-1)!
    const changed = change(last.results[0]!)
    return [...results.slice(0, -1), { ...last, results: changed === undefined ? [] : [changed] }]
  })
  expect(outcomeOf(response)).toBe(outcome)
  expect(response.headers.has('Retry-After')).toBe(false)
  expect(response.line.database?.attempts).toBe(1)
  expect(response.line.frames?.[0]?.slice(0, 3)).toBe(outcome === FAILED ? 'at ' : undefined)
})

test('logs the region of D1, which a local D1 does not have', async () => {
  const { line } = await callWithResults((results) =>
    results.map(({ meta, ...rest }) => ({ ...rest, meta: { ...meta, served_by_region: 'WEUR' } })),
  )
  expect(line.database).toHaveProperty('region', 'WEUR')
})

test.each([
  ['prevents the deletion record', 'INSERT ON user_deletions'],
  ['keeps the user', 'DELETE ON organization_users'],
])('a foreign trigger that %s causes 500 and no event', async (_, event) => {
  const vars = { DELETION_EVENTS: { send: () => {}, sendBatch: () => {} } }
  const { callAs, fixture } = await createHarness({ vars })
  await env.DB.prepare(`CREATE TRIGGER t BEFORE ${event} BEGIN SELECT RAISE(IGNORE); END`).run()
  try {
    expect(outcomeOf(await callAs(fixture.administrator))).toBe(FAILED)
    expect(await env.DB.prepare('SELECT * FROM deletion_outbox').first()).toBeNull()
  } finally {
    await env.DB.prepare('DROP TRIGGER t').run()
  }
})

/** Calls with a database that throws. */
async function callWithThrown(thrown: unknown) {
  const DB = {
    prepare: () => {
      throw thrown
    },
    batch: () => {},
  }
  const { callAs, fixture } = await createHarness({ vars: { DB } })
  return callAs(fixture.administrator)
}

describe('the line of an unexpected error has', () => {
  test('its name and its frames, without its message', async () => {
    const message = 'secret\n    at secret (secret.js:1:1)\nSyntaxError: secret'
    const { line } = await callWithThrown(new RangeError(message))
    expect([line.reason, line.database]).toEqual(['unexpected:RangeError', { attempts: 1 }])
    expect(line.frames?.length).toBeGreaterThan(1)
    expect(line.frames?.filter((frame) => !frame.startsWith('at '))).toEqual([])
    expect(JSON.stringify(line)).not.toContain('secret')
  })

  test.each<[string, unknown]>([
    ['a text', 'secret'],
    ['an error without a stack', Object.assign(new Error('secret'), { stack: undefined })],
    [
      'a message that is not in the stack',
      Object.assign(new Error('x'), { stack: 'Error: y\n    at secret' }),
    ],
  ])('no frames for %s', async (_, thrown) => {
    const { line } = await callWithThrown(thrown)
    const name = thrown instanceof Error ? 'Error' : 'string'
    expect([line.frames, line.reason]).toEqual([[], `unexpected:${name}`])
  })
})
