/**
 * When the database fails: which failures are asked again, how often, and that a deletion whose answer got lost is one
 * deletion and a 200. The real database does the work; only its answers are taken away.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { compare, readDatabase } from './support/database'
import { createHarness } from './support/worker/harness'

const TRANSIENT = [
  'D1_ERROR: Network connection lost.',
  'Network connection lost.',
  'D1_ERROR: D1 DB reset because its code was updated.',
  'D1_ERROR: Internal error while starting up D1 DB storage caused object to be reset.',
  'D1_ERROR: Internal error in D1 DB storage caused object to be reset.',
  'D1_ERROR: Cannot resolve D1 DB due to transient issue on remote node.',
  "D1_ERROR: Can't read from request stream because client disconnected.",
  'D1_ERROR: database is locked: SQLITE_BUSY',
  'internal error; reference = abc',
  'an error that no document names',
]

const LASTING: Readonly<Record<string, readonly [retryAfter: RegExp, ...messages: string[]]>> = {
  database_overloaded: [
    /^2$/,
    'D1 DB is overloaded. Requests queued for too long.',
    'D1 DB is overloaded. Too many requests queued.',
    'D1 DB storage operation exceeded timeout which caused object to be reset.',
    "D1 DB's isolate exceeded its memory limit and was reset.",
    'D1 DB exceeded its CPU time limit and was reset.',
  ],
  database_quota_exceeded: [
    /^\d+$/,
    "Your account has exceeded D1's free tier daily row read limit. Try tomorrow.",
  ],
  database_not_migrated: [
    /^none$/,
    'no such table: users: SQLITE_ERROR',
    'no such column: state: SQLITE_ERROR',
    't has no column named c: SQLITE_ERROR',
  ],
  database_failed: [
    /^none$/,
    'near "x": syntax error: SQLITE_ERROR',
    'CHECK constraint failed: c: SQLITE_CONSTRAINT',
    'cannot store REAL value in INTEGER column t.c: SQLITE_CONSTRAINT',
    'datatype mismatch: SQLITE_MISMATCH',
    'string or blob too big: SQLITE_TOOBIG',
  ],
  database_full: [
    /^none$/,
    'Exceeded maximum DB size',
    'Exceeded maximum account storage limit.',
    'database or disk is full: SQLITE_FULL',
  ],
  database_busy: [
    /^10$/,
    'Currently processing a long-running export.',
    'Currently processing a long-running import.',
  ],
}

interface Failing {
  readonly DB: Pick<D1Database, 'prepare' | 'batch'>
  /** How often the database was asked. */
  readonly attempts: () => number
}

/** A database whose first answers are failures; `commits` says whether the work of those is done all the same. */
function failFirst(times: number, message: string, commits = false): Failing {
  let attempts = 0
  return {
    attempts: () => attempts,
    DB: {
      prepare: (sql) => env.DB.prepare(sql),
      async batch<T>(statements: D1PreparedStatement[]) {
        attempts += 1
        const fails = attempts <= times
        const results = fails && !commits ? [] : await env.DB.batch<T>(statements)
        if (fails) throw new Error(message)
        return results
      },
    },
  }
}

describe('a transient failure', () => {
  test.each(TRANSIENT)('is asked again: %s', async (message) => {
    const { DB, attempts } = failFirst(1, message)
    const { callAs, fixture } = await createHarness({ vars: { DB } })
    const response = await callAs(fixture.administrator)
    expect(response.status).toBe(200)
    expect(response.line.database?.attempts).toBe(2)
    expect(attempts()).toBe(2)
  })

  test('is asked again twice at most, and then is a 500 with Retry-After', async () => {
    const { DB, attempts } = failFirst(99, TRANSIENT[0]!)
    const { callAs, fixture } = await createHarness({ vars: { DB } })
    const response = await callAs(fixture.administrator)
    expect(response.status).toBe(500)
    expect(response.headers.get('Retry-After')).toBe('2')
    expect(response.line).toMatchObject({
      reason: 'database_unavailable',
      database: { attempts: 3 },
    })
    expect(attempts()).toBe(3)
  })

  test('that took the answer after the commit is one deletion and a 200', async () => {
    const { DB, attempts } = failFirst(2, TRANSIENT[0]!, true)
    const { callAs, fixture } = await createHarness({ vars: { DB } })
    const before = await readDatabase(env.DB)
    const response = await callAs(fixture.administrator)
    expect(response.status).toBe(200)
    expect(response.line.groupsRemoved).toBe(2)
    expect(attempts()).toBe(3)
    const { removed, added } = compare(before, await readDatabase(env.DB))
    expect(removed['organization_users']).toHaveLength(1)
    expect(Object.keys(added)).toEqual(['user_deletions'])
    expect(added['user_deletions']).toHaveLength(1)
  })

  test('after a commit is a 200 also for an administrator who removed itself', async () => {
    const { DB } = failFirst(1, TRANSIENT[0]!, true)
    const { callAs, fixture } = await createHarness({ vars: { DB } })
    expect((await callAs(fixture.administrator, fixture.administrator)).status).toBe(200)
  })

  test('after a commit spares who was given the same ID since', async () => {
    const { DB } = failFirst(1, TRANSIENT[0]!, true)
    const invite = `INSERT INTO organization_users (id, organization_id, user_id, state)
      VALUES (?1, ?2, ?3, 'active')`
    const meddled: Failing['DB'] = {
      prepare: (sql) => DB.prepare(sql),
      async batch<T>(statements: D1PreparedStatement[]) {
        try {
          return await DB.batch<T>(statements)
        } catch (error) {
          const { userID, organizationID, person } = fixture.target
          await env.DB.prepare(invite).bind(userID, organizationID, person.id).run()
          throw error
        }
      },
    }
    const { callAs, fixture } = await createHarness({ vars: { DB: meddled } })
    expect((await callAs(fixture.administrator)).status).toBe(200)
    const found = env.DB.prepare('SELECT id FROM organization_users WHERE id = ?1')
    expect(await found.bind(fixture.target.userID).first('id')).toBe(fixture.target.userID)
  })

  test('is never a judgement on the caller', async () => {
    const { DB } = failFirst(99, TRANSIENT[0]!)
    const { callAs, fixture } = await createHarness({ vars: { DB } })
    const outcomes = [
      await callAs('a stranger'),
      await callAs(fixture.auditor),
      await callAs(fixture.administrator, { ...fixture, userID: 'no-such-user' }),
    ]
    expect(outcomes.map(({ status }) => status)).toEqual([500, 500, 500])
  })
})

describe('any other failure', () => {
  const rows = Object.entries(LASTING).flatMap(([reason, [retryAfter, ...messages]]) =>
    messages.map((message) => ({ message, reason, retryAfter })),
  )
  test.each(rows)('is not asked again: $message', async ({ message, reason, retryAfter }) => {
    const { DB, attempts } = failFirst(99, `D1_ERROR: ${message}`)
    const { callAs, fixture } = await createHarness({ vars: { DB } })
    const response = await callAs(fixture.administrator)
    expect(response.status).toBe(500)
    expect(response.line.reason).toBe(reason)
    expect(response.body + JSON.stringify(response.line)).not.toContain(message)
    expect(attempts()).toBe(1)
    expect(response.headers.get('Retry-After') ?? 'none').toMatch(retryAfter)
  })

  test('of the daily quota says the seconds until midnight UTC', async () => {
    const { DB } = failFirst(
      99,
      "D1_ERROR: Your account has exceeded D1's free tier daily row write",
    )
    const { callAs, fixture } = await createHarness({ vars: { DB } })
    const response = await callAs(fixture.administrator)
    const seconds = Number(response.headers.get('Retry-After'))
    const midnight = new Date(Date.now() + seconds * 1_000)
    expect([midnight.getUTCHours(), midnight.getUTCMinutes()]).toEqual([0, 0])
  })

  test('that is no error at all is a 500 too', async () => {
    const DB = {
      prepare: (sql: string) => env.DB.prepare(sql),
      // oxlint-disable-next-line typescript/only-throw-error, typescript/prefer-promise-reject-errors
      batch: () => Promise.reject('a text'),
    }
    const { callAs, fixture } = await createHarness({ vars: { DB } })
    const { line, headers } = await callAs(fixture.administrator)
    expect(line).toMatchObject({ reason: 'database_unavailable', database: { attempts: 3 } })
    expect(headers.get('Retry-After')).toBe('2')
  })
})

test('a database that never answers is a 500 after five seconds, with Retry-After', async () => {
  const DB = {
    prepare: (sql: string) => env.DB.prepare(sql),
    batch: () => new Promise<never>(() => {}),
  }
  const { callAs, fixture } = await createHarness({ vars: { DB } })
  const response = await callAs(fixture.administrator)
  expect(response.status).toBe(500)
  expect(response.headers.get('Retry-After')).toBe('2')
  expect(response.line.reason).toBe('database_timeout')
})
