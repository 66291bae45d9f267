/**
 * What the database returns is checked: states, outcomes and rows that the code does not know never break a response, and
 * the log says where in the code an error came from, without its message.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { createHarness } from './support/worker/harness'

type Row = Readonly<Record<string, unknown>>

/** The real database, whose report is changed on its way back. */
function changeReport(change: (report: Row) => Row | undefined) {
  return {
    prepare: (sql: string) => env.DB.prepare(sql),
    async batch<T>(statements: D1PreparedStatement[]) {
      const results = await env.DB.batch<T>(statements)
      const last = results.at(-1)!
      const changed = change(last.results[0] as Row)
      return [...results.slice(0, -1), { ...last, results: changed === undefined ? [] : [changed] }]
    },
  }
}

describe('a report that the code does not know', () => {
  test.each<[string, (report: Row) => Row | undefined]>([
    ['an unknown outcome', (report) => ({ ...report, outcome: 'archived' })],
    ['the name of another reason', (report) => ({ ...report, outcome: 'jwks_unavailable' })],
    ['no outcome', () => ({})],
    ['an outcome that is null', (report) => ({ ...report, outcome: null })],
    ['an outcome of another type', (report) => ({ ...report, outcome: 1 })],
    ['an unknown kind of caller', (report) => ({ ...report, actorKind: 'robot' })],
    ['a count that is a text', (report) => ({ ...report, groupsRemoved: '2' })],
    [
      'the last administrator, who is not kept',
      (report) => ({ ...report, outcome: 'last_administrator' }),
    ],
    ['no row', () => undefined],
  ])('is a 500 without a retry: %s', async (_, change) => {
    const { callAs, fixture } = await createHarness({ vars: { DB: changeReport(change) } })
    const { status, headers, line } = await callAs(fixture.administrator)
    expect(status).toBe(500)
    expect(headers.has('Retry-After')).toBe(false)
    expect(line).toMatchObject({ reason: 'database_failed', database: { attempts: 1 } })
    expect(line.frames).toContainEqual(expect.stringMatching(/^at /))
  })

  test.each(['caller_archived', 'caller_', 'caller_active'])(
    'is a caller that is not active, if the state of its user is unknown: %s',
    async (outcome) => {
      const DB = changeReport((report) => ({ ...report, outcome }))
      const { callAs, fixture } = await createHarness({ vars: { DB } })
      const { status, line } = await callAs(fixture.administrator)
      expect([status, line.reason]).toEqual([401, 'caller_suspended'])
    },
  )
})

describe('a trigger of others', () => {
  test.each([
    ['keeps the deletion record from being written', 'INSERT ON user_deletions'],
    ['keeps the user', 'DELETE ON organization_users'],
  ])('that %s causes a 500, not a success', async (_, event) => {
    const { callAs, fixture } = await createHarness()
    await env.DB.prepare(`CREATE TRIGGER t BEFORE ${event} BEGIN SELECT RAISE(IGNORE); END`).run()
    try {
      const { status, line } = await callAs(fixture.administrator)
      expect([status, line.reason]).toEqual([500, 'database_failed'])
    } finally {
      await env.DB.prepare('DROP TRIGGER t').run()
    }
  })
})

describe('the frames of an error', () => {
  const message = 'secret\n    at secret (secret.js:1:1)\nSyntaxError: secret'

  test('of our own code are in the log, with its name and without its message', async () => {
    const DB = {
      prepare: () => {
        throw new RangeError(message)
      },
      batch: () => {},
    }
    const { callAs, fixture } = await createHarness({ vars: { DB } })
    const { line } = await callAs(fixture.administrator)
    expect(line.reason).toBe('unexpected:RangeError')
    expect(line.frames?.length).toBeGreaterThan(1)
    expect(line.frames?.filter((frame) => !frame.startsWith('at '))).toEqual([])
    expect(JSON.stringify(line)).not.toContain('secret')
  })

  test.each<[string, unknown]>([
    ['a text', 'secret'],
    ['an error whose stack is gone', Object.assign(new Error('secret'), { stack: undefined })],
  ])('are an empty list for %s', async (_, thrown) => {
    const DB = {
      prepare: () => {
        throw thrown
      },
      batch: () => {},
    }
    const { callAs, fixture } = await createHarness({ vars: { DB } })
    expect((await callAs(fixture.administrator)).line.frames).toEqual([])
  })

  test('are not in the log of a refusal', async () => {
    const { callAs, fixture } = await createHarness()
    expect((await callAs(fixture.auditor)).line).not.toHaveProperty('frames')
  })
})
