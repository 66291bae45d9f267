/**
 * Deletions while D1 fails. A real D1 does the rest: SQLite rolls back a batch that is interrupted, and a batch whose
 * response is lost is committed. docs/database-faults.md is written from these cases. test/retries.test.ts has each error
 * message.
 */
import { afterAll, describe, expect, test } from 'vitest'
import { createFixture } from '../support/fixture'
import { findState } from './harness/direct-database'
import { startHarness } from './harness/start'
import type { DatabaseFault } from './harness/worker'
import { renderPage, type Row } from './table'

const LOST = 'Network connection lost.'
const CONSTRAINT = 'D1_ERROR: UNIQUE constraint failed: t.c: SQLITE_CONSTRAINT'
const OVERLOADED = 'D1 DB is overloaded. Requests queued for too long.'
const QUOTA =
  "Your account has exceeded D1's free tier daily row write limit. It resets at 00:00 UTC."

const STATES = {
  'as before': '1 users, 2 memberships, 0 records',
  'user removed, one record': '0 users, 0 memberships, 1 records',
}
type State = keyof typeof STATES
const SAME: State = 'as before'
const REMOVED: State = 'user removed, one record'

type Faults = readonly DatabaseFault[]
const gone: DatabaseFault = { message: LOST }
const lost: DatabaseFault = { message: LOST, commits: true }
const late: DatabaseFault = { ...lost, delayMs: 1_500 }
const hangs: DatabaseFault = {}
/** Commits one second after the Worker has responded. */
const slow: DatabaseFault = { commits: true, delayMs: 6_000 }
const always = (fault: DatabaseFault): Faults => [fault, fault, fault]
const interrupted = (statements: number): DatabaseFault => ({ message: LOST, statements })

type DatabaseCase = [
  fault: string,
  faults: Faults,
  attempts: number,
  after: State,
  reason?: string,
  /** Seconds, or until the next day begins in UTC. */
  retryAfter?: '2' | 'midnight',
]

const UNAVAILABLE = ['database_unavailable', '2'] as const
const TIMEOUT = ['database_timeout', '2'] as const

/** The cases in the order of the table. Without a reason the deletion succeeds. */
const cases: readonly DatabaseCase[] = [
  ['D1 is gone before it gets the batch, once', [gone], 2, REMOVED],
  ...[0, 1, 2, 3, 4].map((count): DatabaseCase => [
    `D1 is interrupted after ${count} statements of the batch, once`,
    [interrupted(count)],
    2,
    REMOVED,
  ]),
  ['The response is lost after the commit, once', [lost], 2, REMOVED],
  ['… twice', [lost, lost], 3, REMOVED],
  ['D1 is gone, then the response is lost after the commit', [gone, lost], 3, REMOVED],
  ['The first attempt is delayed and commits after 1.5 s, after the second', [late], 2, REMOVED],
  ['An error that D1 does not document, once', [{ message: 'something else' }], 2, REMOVED],
  ['D1 is gone at each attempt', always(gone), 3, SAME, ...UNAVAILABLE],
  [
    'D1 is interrupted after 3 statements each time',
    always(interrupted(3)),
    3,
    SAME,
    ...UNAVAILABLE,
  ],
  ['The response is lost after the commit each time', always(lost), 3, REMOVED, ...UNAVAILABLE],
  ['Each attempt is delayed and commits after 1.5 s', always(late), 3, REMOVED, ...UNAVAILABLE],
  ['D1 does not respond and does nothing', [hangs], 1, SAME, ...TIMEOUT],
  ['D1 commits and does not respond', [{ commits: true }], 1, REMOVED, ...TIMEOUT],
  ['D1 commits one second after the response', [slow], 1, REMOVED, ...TIMEOUT],
  ['D1 is gone, then does not respond', [gone, hangs], 2, SAME, ...TIMEOUT],
  ['The response is lost, then D1 does not respond', [lost, hangs], 2, REMOVED, ...TIMEOUT],
  ['Each attempt fails after 3 s', always({ ...gone, delayMs: 3_000 }), 2, SAME, ...TIMEOUT],
  ['D1 is overloaded', always({ message: OVERLOADED }), 1, SAME, 'database_overloaded', '2'],
  [
    'The daily limit of the free plan is reached',
    always({ message: QUOTA }),
    1,
    SAME,
    'database_quota_exceeded',
    'midnight',
  ],
  ['A constraint fails', always({ message: CONSTRAINT }), 1, SAME, 'database_failed'],
  [
    'The response is lost after the commit, then a constraint fails',
    [lost, { message: CONSTRAINT }],
    2,
    REMOVED,
    'database_failed',
  ],
]

const WAITS = { none: '–', 2: '2 s', midnight: 'until 00:00 UTC' }

const harness = await startHarness()
const { db, issuer } = harness
afterAll(() => harness.stop())
const rows = new Map<string, Row>()

/** A new user in two groups, and a call that deletes it. */
async function createCall() {
  const { target, administrator } = await createFixture(db)
  return { ...target, token: await issuer.token(administrator.person.subject) }
}

/** Waits for the commit of a batch that goes on after the response. */
async function settle(faults: Faults): Promise<void> {
  const delays = faults.map(({ delayMs = 0 }) => delayMs)
  await new Promise((resolve) => setTimeout(resolve, Math.max(...delays)))
}

function findSecondsToMidnight(): number {
  return 86_400 - ((Date.now() / 1_000) % 86_400)
}

describe.concurrent('a deletion, if', () => {
  test.for(cases)('%s', async (given, { expect }) => {
    const [fault, faults, attempts, after, reason, retryAfter] = given
    const sent = await createCall()
    const response = await harness.call(sent, { database: faults })
    const secondsToMidnight = findSecondsToMidnight()
    const line = await harness.lineOf(response.requestID)
    const { batches } = await harness.report(response.requestID)
    await settle(faults)
    const found = await findState(db, sent.userID)
    const wait = response.headers.get('Retry-After')

    expect.soft(response.status).toBe(reason === undefined ? 200 : 500)
    expect.soft(line.reason).toBe(reason)
    expect.soft(found).toBe(STATES[after])
    expect.soft([line.database?.attempts, batches]).toEqual([attempts, attempts])
    if (retryAfter !== 'midnight') expect.soft(wait).toBe(retryAfter ?? null)
    else expect.soft(Math.abs(Number(wait) - secondsToMidnight)).toBeLessThan(30)

    rows.set(fault, {
      Fault: fault,
      Response: response.status,
      'Retry-After': WAITS[retryAfter ?? 'none'],
      'Reason in the log': line.reason === undefined ? '–' : `\`${line.reason}\``,
      Attempts: batches,
      Database: after,
    })
  })
})

test('docs/database-faults.md has the response to each fault', async () => {
  const page = renderPage(
    'Faults of D1',
    cases.map(([fault]) => rows.get(fault)),
  )
  await expect(page).toMatchFileSnapshot('../../docs/database-faults.md')
})

test.for([
  'D1_ERROR: D1 DB reset because its code was updated.',
  'Internal error while starting up D1 DB storage caused object to be reset.',
  'D1_ERROR: Internal error in D1 DB storage caused object to be reset.',
  'Cannot resolve D1 DB due to transient issue on remote node.',
  "Can't read from request stream because client disconnected.",
  'internal error; reference = 0123456789abcdef',
])('retries after the documented error "%s"', async (message) => {
  expect((await harness.call(await createCall(), { database: [{ message }] })).status).toBe(200)
})

describe.concurrent('after a 500, a repeat with the idempotency key gets 200, if', () => {
  test.for<[string, Faults]>([
    ['the response was lost at each attempt', always(lost)],
    ['D1 did not respond after the commit', [{ commits: true }]],
    ['the first call commits after the repeat', [slow]],
  ])('%s', async ([, database], { expect }) => {
    const sent = await createCall()
    const withKey = (key: string) => ({ ...sent, headers: { 'Idempotency-Key': key } })
    expect((await harness.call(withKey('again'), { database })).status).toBe(500)
    expect((await harness.call(withKey('again'))).status).toBe(200)
    expect((await harness.call(sent)).status).toBe(404)
    expect((await harness.call(withKey('other'))).status).toBe(404)
    await settle(database)
    expect(await findState(db, sent.userID)).toBe(STATES[REMOVED])
  })
})

test('a deletion goes on after its caller has disconnected while D1 fails', async () => {
  const sent = await createCall()
  const leave = await harness.callAndLeave(sent, { database: [{ ...gone, delayMs: 1_000 }] })
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(await findState(db, sent.userID)).toBe(STATES[SAME])
  leave()
  const state = () => findState(db, sent.userID)
  await expect.poll(state, { timeout: 10_000 }).toBe(STATES[REMOVED])
  const lines = harness.log.filter((line) => line.includes(sent.userID))
  expect(lines.map((line) => (JSON.parse(line) as { status: number }).status)).toEqual([200])
})

test('the pauses between attempts are random, each in its own range', async () => {
  const sent = await createCall()
  const calls = Array.from({ length: 25 }, () => harness.call(sent, { database: always(gone) }))
  const reports = (await Promise.all(calls)).map(({ requestID }) => harness.report(requestID))
  const pauses = (await Promise.all(reports)).map(({ timers }) => timers.filter((ms) => ms < 1_000))
  for (const [attempt, longest] of [100, 400].entries()) {
    const ofAttempt = pauses.map((each) => each[attempt] ?? 0)
    expect(new Set(ofAttempt).size).toBeGreaterThan(20)
    expect(Math.min(...ofAttempt)).toBeGreaterThanOrEqual(longest / 2)
    expect(Math.max(...ofAttempt)).toBeLessThanOrEqual(longest)
  }
  expect(new Set(pauses.map(({ length }) => length))).toEqual(new Set([2]))
})

test('no log line has a text of D1', () => {
  const texts =
    /SQLITE|D1_ERROR|D1 DB|reference =|something else|free tier|select |no such table|lost/i
  expect(harness.log.filter((line) => texts.test(line))).toEqual([])
  expect(harness.log.length).toBeGreaterThan(cases.length)
})
