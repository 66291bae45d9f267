/**
 * The cron handler: what is due is sent and removed in bounded steps, whatever the queue does; old records go.
 */
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { sweep } from '../src/sweep'
import { watch } from './support/database'
import { createSeed } from '../dev/seeder.ts'
import { MINUTE, SECOND, stopClock } from './support/worker/clock'
import { readLog } from './support/worker/log'

type Body = { readonly id: string; readonly data: Readonly<Record<string, unknown>> }

/** A queue that keeps what it takes. `fails` decides about each call. */
function createQueue(fails: (bodies: readonly Body[]) => boolean | Promise<never> = () => false) {
  const [batches, singles]: [Body[][], Body[]] = [[], []]
  const taken: Body[] = []
  async function take(bodies: readonly Body[]) {
    const failure = fails(bodies)
    if (failure === true) throw new Error('Queue is overloaded. Please back off.')
    if (failure !== false) await failure
    taken.push(...bodies)
  }
  return {
    batches,
    singles,
    taken,
    async send(body: Body) {
      singles.push(body)
      await take([body])
    },
    async sendBatch(messages: readonly { readonly body: Body }[]) {
      const bodies = messages.map(({ body }) => body)
      batches.push(bodies)
      await take(bodies)
    },
  }
}

const settings = {
  TOKEN_ISSUER: 'https://issuer.example',
  TOKEN_AUDIENCE: 'identity',
  JWKS_URL: 'https://issuer.example/jwks',
}

async function run(vars: object, DB: D1Database = env.DB) {
  const before = readLog().length
  await sweep({ ...env, ...settings, DB, ...vars })
  const lines = readLog()
    .slice(before)
    .map((text) => JSON.parse(text) as Record<string, unknown>)
  return { line: lines.find(({ message }) => message === 'sweep'), lines }
}

let made = 0

/** Deletion records of an age, pending or not, without the deletions that made them. */
async function addRecords(
  count: number,
  {
    ageMs = MINUTE,
    pending = true,
    text = 'x',
  }: { ageMs?: number; pending?: boolean; text?: string } = {},
) {
  const deletedAt = Date.now() - ageMs
  const digits = deletedAt.toString(16).padStart(12, '0')
  const first = made
  made += count
  const sql = `WITH RECURSIVE n(i) AS (VALUES (CAST(?1 AS INTEGER)) UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
    INSERT INTO user_deletions (id, organization_id, organization_user_id, user_id, actor_kind,
      actor_subject, groups_removed, request_id, deleted_at)
    SELECT printf('${digits.slice(0, 8)}-${digits.slice(8)}-7000-8000-%012d', i), ?4, 'user-' || i, 'person',
      'user', 'admin', 2, 'request', ?3 FROM n`
  await env.DB.prepare(sql)
    .bind(first, first + count - 1, deletedAt, text)
    .run()
  if (pending) {
    await env.DB.prepare(
      `INSERT OR IGNORE INTO deletion_outbox SELECT id FROM user_deletions WHERE deleted_at = ?1`,
    )
      .bind(deletedAt)
      .run()
  }
}

const count = async (table: string) =>
  env.DB.prepare(`SELECT count(*) AS count FROM ${table}`).first<number>('count')

beforeEach(async () => {
  await env.DB.batch(
    ['deletion_outbox', 'user_deletions'].map((table) => env.DB.prepare(`DELETE FROM ${table}`)),
  )
})

test('sends the pending events in one batch, and removes them', async () => {
  await addRecords(100)
  const queue = createQueue()
  const { line } = await run({ DELETION_EVENTS: queue })
  expect(line).toEqual({ message: 'sweep', sent: 100, pending: 0, purged: 0 })
  expect(queue.batches.map(({ length }) => length)).toEqual([100])
  expect(new Set(queue.taken.map(({ id }) => id)).size).toBe(100)
  expect(await count('deletion_outbox')).toBe(0)
  expect(await count('user_deletions')).toBe(100)
})

test('leaves events alone that are younger than 30 s: they are sent behind their response', async () => {
  stopClock()
  await addRecords(1, { ageMs: 30 * SECOND - 1 })
  await addRecords(1, { ageMs: 30 * SECOND })
  const queue = createQueue()
  await run({ DELETION_EVENTS: queue })
  expect(queue.taken).toHaveLength(1)
  expect(await count('deletion_outbox')).toBe(1)
})

test('an idle sweep reads one row and writes no line', async () => {
  const watched = watch(env.DB)
  const rows: number[] = []
  const DB = {
    batch: () => {},
    prepare: (sql: string) => ({
      bind: (...values: unknown[]) => ({
        async all() {
          const result = await env.DB.prepare(sql)
            .bind(...values)
            .all()
          rows.push(result.meta.rows_read)
          return result
        },
      }),
    }),
  } as unknown as D1Database
  const { lines } = await run({ DELETION_EVENTS: createQueue() }, DB)
  expect(lines).toEqual([])
  expect(rows).toEqual([1])
  expect(watched.calls).toEqual([])
})

test('sends 100,000 pending events in sweeps of at most 300 steps', async () => {
  stopClock() // else a slow machine would end a sweep early
  await addRecords(100_000)
  const costs: number[][] = []
  while ((await count('deletion_outbox')) !== 0) {
    const { db, calls } = watch(env.DB)
    const queue = createQueue()
    await run({ DELETION_EVENTS: queue }, db)
    costs.push([queue.taken.length, queue.batches.length, queue.singles.length, calls.length])
  }
  // Events, batches, single sends, and the calls of D1: a select and a delete for each step.
  expect(costs).toEqual([
    ...Array.from({ length: 3 }, () => [30_000, 300, 0, 600]),
    [10_000, 100, 0, 201],
  ])
}, 120_000)

describe('if a step fails', () => {
  test('one event that can never be sent delays no other, and is logged', async () => {
    await addRecords(350)
    const queue = createQueue((bodies) =>
      bodies.some(({ data }) => data['userID'] === `user-${made - 200}`),
    )
    const { line, lines } = await run({ DELETION_EVENTS: queue })
    expect(line).toEqual({
      message: 'sweep',
      sent: 349,
      pending: 1,
      purged: 0,
      cause: 'queue_failed',
    })
    expect(lines.filter(({ message }) => message === 'deletion_event_deferred')).toHaveLength(1)
    expect(await count('deletion_outbox')).toBe(1)
    expect(await count('user_deletions')).toBe(350)
  })

  test('at most 300 events are sent one by one, and after some sweeps each was tried', async () => {
    await addRecords(700)
    const tried = new Set<string>()
    for (let sweeps = 0; sweeps < 30 && tried.size < 700; sweeps++) {
      const queue = createQueue(() => true)
      const { line } = await run({ DELETION_EVENTS: queue })
      expect(queue.singles).toHaveLength(300)
      expect(line).toMatchObject({ sent: 0, pending: 700 })
      for (const { id } of queue.singles) tried.add(id)
    }
    expect(tried.size).toBe(700)
  })

  test('and no single send settles either, the sweep ends', async () => {
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

test('an ID without a record yields no event, blocks nothing and is removed', async () => {
  await addRecords(1)
  await env.DB.batch(
    ['0', 'z'].map((id) => env.DB.prepare('INSERT INTO deletion_outbox VALUES (?)').bind(id)),
  )
  const queue = createQueue()
  await run({ DELETION_EVENTS: queue })
  expect(queue.taken).toHaveLength(1)
  expect(await count('deletion_outbox')).toBe(0)
})

test('large records go in steps of at most 200 KB, and one above the limit names its record', async () => {
  await addRecords(5, { text: 'x'.repeat(45_000) })
  await addRecords(1, { text: 'x'.repeat(1_000_000) })
  await addRecords(1, { text: '\u0001'.repeat(90_000) })
  const queue = createQueue()
  await run({ DELETION_EVENTS: queue })
  const bytes = queue.batches.map(
    (bodies) => new TextEncoder().encode(JSON.stringify(bodies)).length,
  )
  expect(Math.max(...bytes)).toBeLessThan(201_000)
  expect(queue.taken.filter(({ data }) => 'deletionID' in data)).toEqual([
    {
      ...queue.taken[5],
      source: '/api/v1/organizations',
      data: { deletionID: queue.taken[5]?.id },
    },
    {
      ...queue.taken[6],
      source: '/api/v1/organizations',
      data: { deletionID: queue.taken[6]?.id },
    },
  ])
  expect(await count('deletion_outbox')).toBe(0)
})

describe('DELETION_RECORD_DAYS', () => {
  const days = 24 * 60 * MINUTE

  test('removes records that are strictly older, and never a pending one', async () => {
    stopClock()
    await addRecords(1_200, { ageMs: 2 * days + 1, pending: false })
    await addRecords(2, { ageMs: 2 * days, pending: false })
    await addRecords(3, { ageMs: 3 * days, pending: true })
    const { line } = await run({ DELETION_RECORD_DAYS: '2' })
    expect(line).toEqual({ message: 'sweep', sent: 0, pending: 0, purged: 1_200 })
    expect(await count('user_deletions')).toBe(5)
  })

  test.each(['999999999999', '9'.repeat(400), 1e15])(
    'removes nothing for a huge number: %s',
    async (value) => {
      await addRecords(2, { ageMs: 400 * days, pending: false })
      const { lines } = await run({ DELETION_RECORD_DAYS: value })
      expect(lines).toEqual([])
      expect(await count('user_deletions')).toBe(2)
    },
  )

  test('takes `deleted_at` and not the ID of a record', async () => {
    const seed = createSeed()
    for (const [id, deleted_at] of [
      ['0', Date.now()],
      ['00', 1],
    ] as const) {
      seed.row('user_deletions', {
        id,
        organization_id: 'o',
        organization_user_id: 'u',
        user_id: 'p',
        actor_kind: 'user',
        actor_subject: 's',
        groups_removed: 0,
        request_id: 'r',
        deleted_at,
      })
    }
    await seed.save(env.DB)
    await run({ DELETION_RECORD_DAYS: '1' })
    const { results } = await env.DB.prepare('SELECT id FROM user_deletions').all()
    expect(results).toEqual([{ id: '0' }])
  })
})

describe('what fails is the cause in one line', () => {
  test.each<[string, object, string]>([
    ['configuration', { TOKEN_ISSUER: '' }, 'configuration:TOKEN_ISSUER'],
    ['no queue', { DELETION_EVENTS: {} }, 'configuration:DELETION_EVENTS'],
    ['no number', { DELETION_RECORD_DAYS: '1.5' }, 'configuration:DELETION_RECORD_DAYS'],
  ])('%s', async (_, vars, cause) => {
    await addRecords(1)
    const { line } = await run({ DELETION_EVENTS: createQueue(), ...vars })
    expect(line).toEqual({ message: 'sweep', sent: 0, pending: 0, purged: 0, cause })
    expect(await count('deletion_outbox')).toBe(1)
  })

  test('the database', async () => {
    const DB = {
      batch: () => {},
      prepare: () => ({
        bind: () => ({
          all: async () => {
            throw new Error('x')
          },
        }),
      }),
    }
    const { line } = await run({ DELETION_EVENTS: createQueue() }, DB as unknown as D1Database)
    expect(line).toMatchObject({ cause: 'database_unavailable' })
  })
})
