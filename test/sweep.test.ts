/**
 * The cron handler: sends pending events and removes old records, in bounded steps.
 */
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { makeIDPrefix } from '../src/database'
import { selectPending } from '../src/statements'
import { sweep } from '../src/sweep'
import { watch } from './support/database'
import { createSeed } from '../dev/seeder.ts'
import { HOUR, MINUTE, passTime, SECOND, stopClock } from './support/worker/clock'
import { readLog } from './support/worker/log'

type Body = {
  readonly id: string
  readonly source: string
  readonly data: Readonly<Record<string, unknown>>
}

/** A queue that keeps what it takes, unless `respond` throws or hangs. */
function createQueue(respond: (bodies: readonly Body[]) => unknown = () => {}) {
  const [batches, singles, taken]: [Body[][], Body[], Body[]] = [[], [], []]
  async function take(bodies: readonly Body[]) {
    await respond(bodies)
    taken.push(...bodies)
  }
  return {
    batches,
    singles,
    taken,
    send(body: Body) {
      singles.push(body)
      return take([body])
    },
    sendBatch(messages: readonly { readonly body: Body }[]) {
      batches.push(messages.map(({ body }) => body))
      return take(batches.at(-1)!)
    },
  }
}

const fail = () => {
  throw new Error('Queue is overloaded. Please back off.')
}

/** Sweeps, and returns its line and all lines that it wrote. */
async function run(vars: object) {
  const before = readLog().length
  const issuer = 'https://issuer.example'
  const trust = { TOKEN_ISSUER: issuer, TOKEN_AUDIENCE: 'identity', JWKS_URL: `${issuer}/jwks` }
  await sweep({ ...env, ...trust, ...vars })
  const lines = readLog()
    .slice(before)
    .map((text) => JSON.parse(text) as Record<string, unknown>)
  return { line: lines.find(({ message }) => message === 'sweep'), lines }
}

let made = 0

/** Adds deletion records of an age, whose IDs and `userID`s are numbered. */
async function addRecords(
  count: number,
  { ageMs = MINUTE, isPending = true, organizationID = 'o' } = {},
) {
  const deletedAt = Date.now() - ageMs
  const sql = `WITH RECURSIVE n(i) AS (VALUES (CAST(?1 AS INTEGER)) UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
    INSERT INTO user_deletions (id, organization_id, organization_user_id, user_id, actor_kind,
      actor_subject, groups_removed, request_id, deleted_at)
    SELECT printf('%s7000-8000-%012d', ?3, i), ?4, 'user-' || i, 'p', 'user', 's', 2, 'r', ?5 FROM n`
  await env.DB.prepare(sql)
    .bind(made, made + count - 1, makeIDPrefix(deletedAt), organizationID, deletedAt)
    .run()
  made += count
  if (!isPending) return
  const mark = `INSERT OR IGNORE INTO deletion_outbox
    SELECT id FROM user_deletions WHERE deleted_at = ?`
  await env.DB.prepare(mark).bind(deletedAt).run()
}

const count = (table: string) =>
  env.DB.prepare(`SELECT count(*) AS count FROM ${table}`).first<number>('count')

beforeEach(async () => {
  await env.DB.batch(
    ['deletion_outbox', 'user_deletions'].map((table) => env.DB.prepare(`DELETE FROM ${table}`)),
  )
})

test('sends the pending events in one batch, and removes them', async () => {
  await addRecords(100, { organizationID: 'a/ü' })
  await env.DB.exec("UPDATE user_deletions SET group_ids = 'no JSON'")
  const queue = createQueue()
  const { line } = await run({ DELETION_EVENTS: queue })
  expect(line).toEqual({ message: 'sweep', sent: 100, pending: 0, purged: 0 })
  expect(queue.batches.map(({ length }) => length)).toEqual([100])
  expect(new Set(queue.taken.map(({ id }) => id)).size).toBe(100)
  const sources = new Set(queue.taken.map(({ source }) => source))
  expect(sources).toEqual(new Set(['/api/v1/organizations/a%2F%C3%BC']))
  expect(await count('deletion_outbox')).toBe(0)
  expect(await count('user_deletions')).toBe(100)
})

test('leaves events that are younger than 30 s, which are sent behind their response', async () => {
  stopClock()
  await addRecords(1, { ageMs: 30 * SECOND - 1 })
  await addRecords(1, { ageMs: 30 * SECOND })
  const queue = createQueue()
  await run({ DELETION_EVENTS: queue })
  expect(queue.taken).toHaveLength(1)
  expect(await count('deletion_outbox')).toBe(1)
})

test('makes one query that reads one row, and writes no line, if nothing is pending', async () => {
  const { db, calls, statements } = watch(env.DB)
  const { lines } = await run({ DELETION_EVENTS: createQueue(), DB: db })
  expect([lines, calls, statements]).toEqual([[], ['all'], [selectPending.sql]])
  const { meta } = await env.DB.prepare(selectPending.sql).bind('', Date.now()).all()
  expect(meta.rows_read).toBe(1)
})

test('sends 30,100 pending events in two sweeps of at most 300 steps', async () => {
  stopClock() // else a slow machine would end a sweep early
  await addRecords(30_100)
  const costs: number[][] = []
  for (let sweeps = 0; sweeps < 2; sweeps++) {
    const { db, calls } = watch(env.DB)
    const queue = createQueue()
    await run({ DELETION_EVENTS: queue, DB: db })
    costs.push([queue.taken.length, queue.batches.length, queue.singles.length, calls.length])
  }
  // Events, batches, single sends, and calls of D1: a select and a delete for each step.
  expect(costs).toEqual([
    [30_000, 300, 0, 600],
    [100, 1, 0, 3],
  ])
  expect(await count('deletion_outbox')).toBe(0)
}, 60_000)

describe('if a step fails', () => {
  test('an event that can never be sent delays no other and is logged', async () => {
    await addRecords(350)
    const userID = `user-${made - 200}`
    const queue = createQueue((bodies) => {
      if (bodies.some(({ data }) => data['userID'] === userID)) fail()
    })
    const { line, lines } = await run({ DELETION_EVENTS: queue })
    expect(line).toMatchObject({ sent: 349, pending: 1, cause: 'queue_failed' })
    expect(lines.filter(({ message }) => message === 'deletion_event_deferred')).toHaveLength(1)
    expect(await count('deletion_outbox')).toBe(1)
  })

  test('at most 300 events are sent one by one, and some sweeps try each event', async () => {
    await addRecords(700)
    const tried = new Set<string>()
    for (let sweeps = 0; sweeps < 30 && tried.size < 700; sweeps++) {
      const queue = createQueue(fail)
      const { line } = await run({ DELETION_EVENTS: queue })
      expect(queue.singles).toHaveLength(300)
      expect(line).toMatchObject({ sent: 0, pending: 700 })
      for (const { id } of queue.singles) tried.add(id)
    }
    expect(tried.size).toBe(700)
  })

  test('the sweep ends if no single send settles either', async () => {
    await addRecords(250)
    const queue = createQueue(() => new Promise<never>(() => {}))
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const swept = run({ DELETION_EVENTS: queue })
    for (const calls of [queue.batches, queue.singles]) {
      await vi.waitFor(() => expect(calls).not.toEqual([]))
      await vi.advanceTimersByTimeAsync(10 * SECOND)
    }
    const { line } = await swept
    expect(line).toMatchObject({ sent: 0, pending: 100, cause: 'queue_timeout' })
    expect([queue.batches.length, queue.singles.length]).toEqual([1, 100])
    expect(await count('deletion_outbox')).toBe(250)
  })
})

test('begins no step 40 s after it started', async () => {
  stopClock()
  await addRecords(200)
  await addRecords(1, { ageMs: 48 * HOUR, isPending: false })
  const queue = createQueue(() => passTime(40 * SECOND + 1))
  const { line } = await run({ DELETION_EVENTS: queue, DELETION_RECORD_DAYS: '1' })
  expect(line).toEqual({ message: 'sweep', sent: 100, pending: 0, purged: 0 })
})

test('removes an ID without a record, sends no event for it and goes on', async () => {
  await addRecords(1)
  await env.DB.exec("INSERT INTO deletion_outbox VALUES ('0'), ('z')")
  const queue = createQueue()
  await run({ DELETION_EVENTS: queue })
  expect(queue.taken).toHaveLength(1)
  expect(await count('deletion_outbox')).toBe(0)
})

test('sends large events in steps of at most 200 KB, and only the ID of a larger one', async () => {
  await addRecords(5, { organizationID: 'x'.repeat(45_000) })
  await addRecords(1, { organizationID: 'x'.repeat(1_000_000) })
  await addRecords(1, { organizationID: '\u0001'.repeat(90_000) })
  await addRecords(1, { organizationID: 'é'.repeat(14_000) })
  const queue = createQueue()
  await run({ DELETION_EVENTS: queue })
  const encoder = new TextEncoder()
  const bytes = queue.batches.map((bodies) => encoder.encode(JSON.stringify(bodies)).length)
  expect(Math.max(...bytes)).toBeLessThan(201_000)
  const short = queue.taken.slice(5).map(({ id }) => {
    return expect.objectContaining({ source: '/api/v1/organizations', data: { deletionID: id } })
  })
  expect(queue.taken.filter(({ data }) => 'deletionID' in data)).toEqual(short)
  expect(await count('deletion_outbox')).toBe(0)
})

describe('DELETION_RECORD_DAYS', () => {
  const DAY = 24 * 60 * MINUTE

  test('removes records that are strictly older, and never a pending one', async () => {
    stopClock()
    await addRecords(1_200, { ageMs: 2 * DAY + 1, isPending: false })
    await addRecords(2, { ageMs: 2 * DAY, isPending: false })
    await addRecords(3, { ageMs: 3 * DAY })
    const { db, calls } = watch(env.DB)
    const { line } = await run({ DELETION_RECORD_DAYS: '2', DB: db })
    expect(line).toEqual({ message: 'sweep', sent: 0, pending: 0, purged: 1_200 })
    expect(await count('user_deletions')).toBe(5)
    expect(calls).toHaveLength(4) // steps of 500, 500, 200 and 0
  })

  test.each([
    ...[undefined, '', ' 401 ', '999999999999', '9'.repeat(400), 1e15].map((days) => [days, 0]),
    ...['1', ' 30 ', 7].map((days) => [days, 2]),
  ])('of %j removes %i of two records of 400 days', async (days, purged) => {
    await addRecords(2, { ageMs: 400 * DAY, isPending: false })
    const { lines } = await run({ DELETION_RECORD_DAYS: days })
    const line = { message: 'sweep', sent: 0, pending: 0, purged }
    expect(lines).toEqual(purged === 0 ? [] : [line])
    expect(await count('user_deletions')).toBe(2 - Number(purged))
  })

  test('takes the age from `deleted_at`, not from the ID', async () => {
    stopClock()
    const seed = createSeed()
    seed.deletion({ id: '0', deleted_at: Date.now() - DAY })
    seed.deletion({ id: '00' })
    await seed.save(env.DB)
    await run({ DELETION_RECORD_DAYS: '1' })
    const { results } = await env.DB.prepare('SELECT id FROM user_deletions').all()
    expect(results).toEqual([{ id: '0' }])
  })
})

const brokenDatabase = {
  batch: () => {},
  prepare: () => env.DB.prepare('SELECT * FROM nowhere WHERE ?1 = ?2'),
}

test.each<[cause: string, vars: object]>([
  ['configuration:TOKEN_ISSUER', { TOKEN_ISSUER: '' }],
  ['configuration:DELETION_EVENTS', { DELETION_EVENTS: {} }],
  ['configuration:DELETION_RECORD_DAYS', { DELETION_RECORD_DAYS: '1.5' }],
  ['database_not_migrated', { DB: brokenDatabase }],
])('sends nothing and logs the cause %s', async (cause, vars) => {
  await addRecords(1)
  const { line } = await run({ DELETION_EVENTS: createQueue(), ...vars })
  expect(line).toEqual({ message: 'sweep', sent: 0, pending: 0, purged: 0, cause })
  expect(await count('deletion_outbox')).toBe(1)
})
