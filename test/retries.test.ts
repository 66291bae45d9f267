/**
 * Deletions while the database fails: which failures are retried, and that a deletion whose response was lost is one
 * deletion and a 200. The real database does the work; only its responses are taken away.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { compare, failFirst, readDatabase, withBatch } from './support/database'
import { createHarness } from './support/worker/harness'

const LOST = 'Network connection lost.'
const TRANSIENT = [
  LOST,
  'D1 DB reset because its code was updated.',
  'Internal error while starting up D1 DB storage caused object to be reset.',
  'Internal error in D1 DB storage caused object to be reset.',
  'Cannot resolve D1 DB due to transient issue on remote node.',
  "Can't read from request stream because client disconnected.",
  'database is locked: SQLITE_BUSY',
  'internal error; reference = abc',
  'an undocumented error',
]

/** Messages of D1 by reason, after `Retry-After` in seconds. */
const LASTING: Readonly<Record<string, readonly [retryAfter: string | null, ...string[]]>> = {
  database_overloaded: [
    '2',
    'D1 DB is overloaded. Requests queued for too long.',
    'D1 DB is overloaded. Too many requests queued.',
    'D1 DB storage operation exceeded timeout which caused object to be reset.',
    "D1 DB's isolate exceeded its memory limit and was reset.",
    'D1 DB exceeded its CPU time limit and was reset.',
  ],
  database_not_migrated: [
    null,
    'no such table: users: SQLITE_ERROR',
    'no such column: state: SQLITE_ERROR',
    't has no column named c: SQLITE_ERROR',
  ],
  database_failed: [
    null,
    'near "x": syntax error: SQLITE_ERROR',
    'CHECK constraint failed: c: SQLITE_CONSTRAINT',
    'cannot store REAL value in INTEGER column t.c: SQLITE_CONSTRAINT',
    'datatype mismatch: SQLITE_MISMATCH',
    'string or blob too big: SQLITE_TOOBIG',
  ],
  database_full: [
    null,
    'Exceeded maximum DB size',
    'Exceeded maximum account storage limit.',
    'database or disk is full: SQLITE_FULL',
  ],
  database_busy: [
    '10',
    'Currently processing a long-running export.',
    'Currently processing a long-running import.',
  ],
}

/** A harness whose database fails at first. */
async function createFailing(...failures: [times: number, message: string, commits?: boolean]) {
  const { DB, attempts } = failFirst(env.DB, ...failures)
  return { ...(await createHarness({ vars: { DB } })), attempts }
}

describe('a transient failure', () => {
  test.each(TRANSIENT)('is retried after a pause: %s', async (message) => {
    const timers = vi.spyOn(globalThis, 'setTimeout')
    const { callAs, fixture, attempts } = await createFailing(1, `D1_ERROR: ${message}`)
    const { status, line } = await callAs(fixture.administrator)
    const pauses = timers.mock.calls.filter(([, ms = 0]) => ms >= 50 && ms <= 100)
    expect([status, line.database?.attempts, attempts(), pauses.length]).toEqual([200, 2, 2, 1])
  })

  test('is a 500 with Retry-After for every caller after the third attempt', async () => {
    const { callAs, fixture, attempts } = await createFailing(99, LOST)
    for (const response of [
      await callAs(fixture.administrator),
      await callAs('a stranger'),
      await callAs(fixture.auditor),
      await callAs(fixture.administrator, { ...fixture, userID: 'no-such-user' }),
    ]) {
      expect([response.status, response.headers.get('Retry-After')]).toEqual([500, '2'])
      const database = { attempts: 3 }
      expect(response.line).toMatchObject({ reason: 'database_unavailable', database })
    }
    expect(attempts()).toBe(4 * 3)
  })

  test('after the commit is one deletion and a 200', async () => {
    const { callAs, fixture, attempts } = await createFailing(2, LOST, true)
    const before = await readDatabase(env.DB)
    const { status, line } = await callAs(fixture.administrator)
    expect([status, line.groupsRemoved, attempts()]).toEqual([200, 2, 3])
    const { removed, added } = compare(before, await readDatabase(env.DB))
    expect(Object.keys(removed)).toEqual(['group_members', 'organization_users'])
    expect(added).toEqual({ user_deletions: [expect.anything()] })
  })

  test('after the commit is a 200 for an administrator who removed itself', async () => {
    const { callAs, fixture } = await createFailing(1, LOST, true)
    expect((await callAs(fixture.administrator, fixture.administrator)).status).toBe(200)
  })

  test('after the commit spares a new user with the same ID', async () => {
    const { DB } = failFirst(env.DB, 1, LOST, true)
    const insert = "INSERT INTO organization_users VALUES (?, ?, ?, 'active')"
    const inviting = withBatch(env.DB, async (statements) => {
      try {
        return await DB.batch(statements)
      } catch (error) {
        const { userID, organizationID, person } = fixture.target
        await env.DB.prepare(insert).bind(userID, organizationID, person.id).run()
        throw error
      }
    })
    const { callAs, fixture } = await createHarness({ vars: { DB: inviting } })
    expect((await callAs(fixture.administrator)).status).toBe(200)
    const found = env.DB.prepare('SELECT id FROM organization_users WHERE id = ?1')
    expect(await found.bind(fixture.target.userID).first('id')).toBe(fixture.target.userID)
  })

  test('can be a value that is no error', async () => {
    // oxlint-disable-next-line typescript/only-throw-error, typescript/prefer-promise-reject-errors
    const DB = withBatch(env.DB, () => Promise.reject('a text'))
    const { callAs, fixture } = await createHarness({ vars: { DB } })
    const { line } = await callAs(fixture.administrator)
    expect(line).toMatchObject({ reason: 'database_unavailable', database: { attempts: 3 } })
  })
})

describe('a lasting failure', () => {
  const cases = Object.entries(LASTING).flatMap(([reason, [retryAfter, ...messages]]) =>
    messages.map((message) => ({ message, reason, retryAfter })),
  )
  test.each(cases)('is not retried: $message', async ({ message, reason, retryAfter }) => {
    const { callAs, fixture, attempts } = await createFailing(99, `D1_ERROR: ${message}`)
    const { status, headers, body, line } = await callAs(fixture.administrator)
    const wait = headers.get('Retry-After')
    expect([status, line.reason, wait, attempts()]).toEqual([500, reason, retryAfter, 1])
    expect(body + JSON.stringify(line)).not.toContain(message)
  })

  test.each(['read limit. Try tomorrow.', 'write'])(
    'of the daily quota has the seconds until midnight UTC as Retry-After: row %s',
    async (text) => {
      const message = `D1_ERROR: Your account has exceeded D1's free tier daily row ${text}`
      const { callAs, fixture, attempts } = await createFailing(99, message)
      const { headers, line } = await callAs(fixture.administrator)
      expect([line.reason, attempts()]).toEqual(['database_quota_exceeded', 1])
      const midnight = new Date(Date.now() + Number(headers.get('Retry-After')) * 1_000)
      expect([midnight.getUTCHours(), midnight.getUTCMinutes()]).toEqual([0, 0])
    },
  )
})

test('a database that never responds is a 500 with Retry-After after five seconds', async () => {
  const DB = withBatch(env.DB, () => new Promise<never>(() => {}))
  const { callAs, fixture } = await createHarness({ vars: { DB } })
  const timers = vi.spyOn(globalThis, 'setTimeout')
  const { status, headers, line } = await callAs(fixture.administrator)
  expect(timers).toHaveBeenCalledWith(expect.any(Function), 5_000)
  const wait = headers.get('Retry-After')
  expect([status, wait, line.reason]).toEqual([500, '2', 'database_timeout'])
})
