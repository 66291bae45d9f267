/**
 * D1 fails a deletion in every way and at every point. A real D1 does the rest: SQLite rolls back a batch that breaks off,
 * and a batch whose answer is lost is committed. The table of docs/reliability.md is made of what these cases show.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compare, readDatabase } from '../support/database'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { createFixture, type Fixture } from '../support/fixture'
import type { DatabaseFault, Plan } from './harness/plan'
import { countRows } from './harness/direct-database'
import { clearRows, writeRows, type Row } from './harness/results'
import { startHarness, type Harness } from './harness/start'

const LOST = 'Network connection lost.'

/** Errors after which another attempt can succeed; every error that is not known counts as one. */
const TRANSIENT = [
  'D1 DB reset because its code was updated.',
  'Internal error while starting up D1 DB storage caused object to be reset.',
  LOST,
  'Internal error in D1 DB storage caused object to be reset.',
  'Cannot resolve D1 DB due to transient issue on remote node.',
  "Can't read from request stream because client disconnected.",
  'internal error; reference = 0123456789abcdef',
  'something undocumented',
]

/** Errors of an overloaded D1: another attempt at once makes it worse. */
const OVERLOADED = [
  'D1 DB storage operation exceeded timeout which caused object to be reset.',
  'D1 DB is overloaded. Requests queued for too long.',
  'D1 DB is overloaded. Too many requests queued.',
  "D1 DB's isolate exceeded its memory limit and was reset.",
  'D1 DB exceeded its CPU time limit and was reset.',
]

/** An error that every attempt would get. */
const LASTING =
  'D1_ERROR: UNIQUE constraint failed: t.c: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_UNIQUE)'

const QUOTA = ['read', 'write'].map(
  (kind) =>
    `Your account has exceeded D1's free tier daily row ${kind} limit. It resets at 00:00 UTC.`,
)

type Faults = readonly DatabaseFault[]
const AS_BEFORE = 'as before'
const REMOVED = 'user removed, one record'

/** One fault and the expected outcome: 200, or 500 if there is a reason. */
interface DatabaseCase {
  readonly fault: string
  readonly plan: Plan
  readonly attempts: number
  readonly after: typeof AS_BEFORE | typeof REMOVED
  /** Of the log line. */
  readonly reason?: string
  /** In seconds, or until the next day begins in UTC. */
  readonly retryAfter?: number | 'midnight'
}

const times = (count: number, fault: DatabaseFault): Faults =>
  Array.from({ length: count }, () => fault)
const before: DatabaseFault = { at: 'before', message: LOST }
const after: DatabaseFault = { at: 'after', message: LOST }

/** D1 responds at the attempt after these faults. */
const recovers = (fault: string, database: Faults): DatabaseCase => ({
  fault,
  plan: { database },
  attempts: database.length + 1,
  after: REMOVED,
})

/** Every attempt fails, and a later one could succeed. */
const staysAway = (fault: string, each: DatabaseFault, outcome: DatabaseCase['after']) => ({
  fault,
  plan: { database: times(3, each) },
  reason: 'database_unavailable',
  attempts: 3,
  retryAfter: 2,
  after: outcome,
})

/** No response comes in time. */
const isLate = (fault: string, database: Faults, outcome: DatabaseCase['after']): DatabaseCase => ({
  fault,
  plan: { database },
  reason: 'database_timeout',
  attempts: Math.min(database.length, 2),
  retryAfter: 2,
  after: outcome,
})

/** A second attempt at once would not help. */
const isAskedOnce = (
  reason: string,
  messages: readonly string[],
  rest: Partial<DatabaseCase> = {},
) =>
  messages.map((message): DatabaseCase => ({
    fault: `“${message}”`,
    plan: { database: times(3, { at: 'before', message }) },
    reason,
    attempts: 1,
    after: AS_BEFORE,
    ...rest,
  }))

/** Where one attempt can fail, in the order of its way. */
const POINTS: readonly (readonly [what: string, DatabaseFault])[] = [
  ['D1 is gone before it gets the batch', before],
  ...[0, 1, 2, 3, 4].map(
    (statements) =>
      [
        `D1 breaks off after ${statements} of the batch's statements`,
        { at: 'inside', statements, message: LOST },
      ] as const,
  ),
  ['The answer is lost after the commit', after],
]

/** All of them, in the order of the table. */
const databaseCases: readonly DatabaseCase[] = [
  ...['first attempt', 'first two attempts'].flatMap((which, index) =>
    POINTS.map(([what, fault]) => recovers(`${what}, at the ${which}`, times(index + 1, fault))),
  ),
  recovers('The first attempt is lost on its way and done 1500 ms later, after the second', [
    { ...after, delayMs: 1_500 },
  ]),
  staysAway(
    'Each attempt is lost on its way and done 1500 ms later',
    { ...after, delayMs: 1_500 },
    REMOVED,
  ),
  recovers('D1 is gone, then its answer is lost after the commit', [before, after]),
  ...POINTS.map(([what, fault]) =>
    staysAway(`${what}, at each attempt`, fault, fault === after ? REMOVED : AS_BEFORE),
  ),
  {
    fault: 'The answer is lost after the commit, then D1 fails for good',
    plan: { database: [after, { at: 'before', message: LASTING }] },
    reason: 'database_failed',
    attempts: 2,
    after: REMOVED,
  },
  isLate('D1 hangs and does nothing', [{ at: 'hang' }], AS_BEFORE),
  isLate('D1 commits and hangs', [{ at: 'hang after' }], REMOVED),
  isLate(
    'D1 commits a second after the caller got its answer',
    [{ at: 'hang after', delayMs: 6_000 }],
    REMOVED,
  ),
  isLate('D1 is gone, then it hangs', [before, { at: 'hang' }], AS_BEFORE),
  isLate('The answer is lost after the commit, then D1 hangs', [after, { at: 'hang' }], REMOVED),
  isLate(
    'Each attempt takes three seconds to fail',
    times(3, { ...before, delayMs: 3_000 }),
    AS_BEFORE,
  ),
  ...TRANSIENT.flatMap((message) => [
    recovers(`“${message}”, once`, [{ at: 'before', message }]),
    staysAway(
      `“D1_ERROR: ${message}”, at each attempt`,
      { at: 'before', message: `D1_ERROR: ${message}` },
      AS_BEFORE,
    ),
  ]),
  ...isAskedOnce('database_overloaded', OVERLOADED, { retryAfter: 2 }),
  ...isAskedOnce('database_quota_exceeded', QUOTA, { retryAfter: 'midnight' }),
  ...isAskedOnce('database_failed', [LASTING]),
  {
    fault: 'The migrations were never applied',
    plan: { unmigrated: true },
    reason: 'database_not_migrated',
    attempts: 1,
    after: AS_BEFORE,
  },
]

const TABLE = 'database-faults'
const rows = new Map<string, Row>()
let issuer: ServedIssuer
let harness: Harness

beforeAll(async () => {
  clearRows(TABLE)
  issuer = await serveIssuer()
  harness = await startHarness({ ...issuer.vars })
})

afterAll(async () => {
  await harness.stop()
  await issuer.stop()
})

const tokenOf = (fixture: Fixture) => issuer.token(fixture.administrator.person.subject)

/** What is left of a user who was in two groups. */
async function findAftermath({ target }: Fixture): Promise<string> {
  const { users, memberships, records } = await countRows(harness.db, target.userID)
  const counts = `${users} users, ${memberships} memberships, ${records} records`
  if (counts === '1 users, 2 memberships, 0 records') return AS_BEFORE
  return counts === '0 users, 0 memberships, 1 records' ? REMOVED : counts
}

/** Waits until a batch that goes on after the response is done. */
async function settle({ plan }: DatabaseCase): Promise<void> {
  const delays = plan.database?.map((fault) => ('delayMs' in fault ? (fault.delayMs ?? 0) : 0))
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, ...(delays ?? []))))
}

const seconds = (wait: string | null): string => (wait === null ? '–' : `${wait} s`)

describe.concurrent('if D1 fails', () => {
  test.for(databaseCases)('$fault: $after', async (given, { expect }) => {
    const fixture = await createFixture(harness.db)
    const sent = { ...fixture.target, token: await tokenOf(fixture) }
    const started = Date.now()
    const response = await harness.call(sent, given.plan)
    const line = await harness.lineOf(response.requestID)
    await settle(given)
    const found = await findAftermath(fixture)
    const wait = response.headers.get('Retry-After')
    const midnight = Math.ceil(86_400 - ((started / 1_000) % 86_400))
    const atMidnight = wait !== null && Math.abs(Number(wait) - midnight) <= 30

    expect.soft(response.status).toBe(given.reason === undefined ? 200 : 500)
    expect.soft(line.reason).toBe(given.reason)
    expect.soft(found).toBe(given.after)
    expect.soft(line.database?.attempts).toBe(given.attempts)
    if (given.retryAfter === 'midnight') expect.soft(atMidnight).toBe(true)
    else expect.soft(wait).toBe(given.retryAfter === undefined ? null : String(given.retryAfter))
    expect.soft((await harness.report(response.requestID)).batches).toBe(given.attempts)

    rows.set(given.fault, {
      Fault: given.fault,
      CallResponse: response.status,
      'Retry-After': given.retryAfter === 'midnight' ? 'until 00:00 UTC' : seconds(wait),
      'Reason in the log': line.reason === undefined ? '–' : `\`${line.reason}\``,
      Attempts: line.database?.attempts ?? 0,
      Database: found,
    })
  })
})

test('the table has a row for every case, in their order', () => {
  expect(rows.size).toBe(databaseCases.length)
  writeRows(
    TABLE,
    databaseCases.map(({ fault }) => rows.get(fault)!),
  )
})

describe.concurrent('a caller that got a 500', () => {
  test.for([
    { fault: 'the answer was lost at each attempt', database: times(3, after) },
    { fault: 'D1 hung after the commit', database: [{ at: 'hang after' } as const] },
  ])('gets 200 for a repeat with its key if $fault', async ({ database }, { expect }) => {
    const fixture = await createFixture(harness.db)
    const headers = { 'Idempotency-Key': 'again' }
    const sent = { ...fixture.target, token: await tokenOf(fixture), headers }
    expect((await harness.call(sent, { database })).status).toBe(500)
    expect((await harness.call(sent)).status).toBe(200)
    expect((await harness.call({ ...sent, headers: {} })).status).toBe(404)
    expect((await harness.call({ ...sent, headers: { 'Idempotency-Key': 'other' } })).status).toBe(
      404,
    )
    expect(await findAftermath(fixture)).toBe('user removed, one record')
  })

  test('gets 200 for a repeat with its key while the first call is still at work', async ({
    expect,
  }) => {
    const fixture = await createFixture(harness.db)
    const headers = { 'Idempotency-Key': 'again' }
    const sent = { ...fixture.target, token: await tokenOf(fixture), headers }
    const slow = harness.call(sent, { database: [{ at: 'hang after', delayMs: 6_000 }] })
    expect((await slow).status).toBe(500)
    expect((await harness.call(sent)).status).toBe(200)
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    expect(await findAftermath(fixture)).toBe('user removed, one record')
  })
})

test('a deletion whose caller goes away while D1 fails is finished', async () => {
  const fixture = await createFixture(harness.db)
  const sent = { ...fixture.target, token: await tokenOf(fixture) }
  const slow = { ...before, delayMs: 1_000 }
  const leave = await harness.callAndLeave(sent, { database: [slow] })
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(await findAftermath(fixture)).toBe('as before')
  leave()
  await expect
    .poll(() => findAftermath(fixture), { timeout: 10_000 })
    .toBe('user removed, one record')
  const ids = harness.log.filter((line) => line.includes(fixture.target.userID))
  expect(ids.map((line) => (JSON.parse(line) as { status: number }).status)).toEqual([200])
})

test('a lost answer leaves everything else in the database as it was', async () => {
  const fixture = await createFixture(harness.db)
  const snapshot = await readDatabase(harness.db)
  const sent = { ...fixture.target, token: await tokenOf(fixture) }
  const { requestID, status } = await harness.call(sent, { database: [after, after] })
  expect(status).toBe(200)
  const { removed, added } = compare(snapshot, await readDatabase(harness.db))
  expect(Object.entries(removed).map(([table, { length }]) => [table, length])).toEqual([
    ['group_members', 2],
    ['organization_users', 1],
  ])
  expect(added).toEqual({
    user_deletions: [expect.objectContaining({ request_id: requestID, groups_removed: 2 })],
  })
})

test('the pauses between attempts are drawn at random, each from its own range', async () => {
  const fixture = await createFixture(harness.db)
  const sent = { ...fixture.target, token: await tokenOf(fixture) }
  const database = times(3, before)
  const calls = Array.from({ length: 25 }, () => harness.call(sent, { database }))
  const pauses: (readonly number[])[] = []
  for (const { requestID } of await Promise.all(calls)) {
    const { timers } = await harness.report(requestID)
    pauses.push(timers.filter((ms) => ms < 1_000))
  }
  for (const ranged of [0, 1].map((which) => pauses.map((pair) => pair[which] ?? 0))) {
    expect(new Set(ranged).size).toBeGreaterThan(20)
  }
  for (const [first = 0, second = 0, ...others] of pauses) {
    expect(others).toEqual([])
    expect([first >= 50, first <= 100, second >= 200, second <= 400]).not.toContain(false)
  }
})

test('no text of D1 is in a log line', () => {
  const said = /SQLITE|D1_ERROR|D1 DB|reference =|something undocumented|select |no such table/i
  expect(harness.log.filter((line) => said.test(line))).toEqual([])
  expect(harness.log.length).toBeGreaterThan(databaseCases.length)
})
