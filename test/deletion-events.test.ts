/**
 * The event of a deletion: its form, that it is pending from the commit on, and that no response waits for the queue.
 */
import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test } from 'vitest'
import { readConfig, type Environment } from '../src/config'
import { handleCall } from '../src/rpc'
import { watch } from './support/database'
import { isPending } from './support/pending'
import { readLog } from './support/worker/log'
import { createHarness, type Harness } from './support/worker/harness'

type Body = Readonly<Record<string, unknown>>

const hang = () => new Promise<never>(() => {})
const refuse = () => Promise.reject(new Error('Storage Limit Exceeded'))
const throwAtOnce = () => {
  throw new Error('Too Many Requests')
}

function createQueue(send: (body: Body) => Promise<unknown> = async () => {}) {
  const sent: Body[] = []
  return {
    sent,
    send(body: Body) {
      sent.push(structuredClone(body))
      return send(body)
    },
    sendBatch: hang,
  }
}

const pending = async () => {
  const { results } = await env.DB.prepare('SELECT deletion_id FROM deletion_outbox').all()
  return results.map((row) => row['deletion_id'])
}

const readRecord = ({ fixture }: Harness) =>
  env.DB.prepare('SELECT * FROM user_deletions WHERE organization_id = ?')
    .bind(fixture.organizationID)
    .first()

beforeEach(() => env.DB.prepare('DELETE FROM deletion_outbox').run())

test('a deletion sends one event with the values of its record, and removes it from the outbox', async () => {
  const queue = createQueue()
  const harness = await createHarness({ vars: { DELETION_EVENTS: queue } })
  const { fixture } = harness
  const { status, headers } = await harness.callAs(fixture.administrator)
  expect(status).toBe(200)
  const record = await readRecord(harness)
  expect(queue.sent).toEqual([
    {
      specversion: '1.0',
      id: record?.['id'],
      type: 'dev.identity-worker.user.deleted',
      source: `/api/v1/organizations/${encodeURIComponent(fixture.organizationID)}`,
      subject: fixture.target.userID,
      time: new Date(Number(record?.['deleted_at'])).toISOString(),
      datacontenttype: 'application/json',
      data: {
        organizationID: fixture.organizationID,
        userID: fixture.target.userID,
        personID: fixture.target.person.id,
        actor: { kind: 'user', subject: fixture.administrator.person.subject },
        groupsRemoved: 2,
        requestID: headers.get('X-Request-Id'),
      },
    },
  ])
  expect(await pending()).toEqual([])
  expect(readLog()).toHaveLength(1)
})

test('a deletion reads one row and writes one row more than without events', async () => {
  const costs: { read: number; written: number; calls: readonly string[] }[] = []
  for (const vars of [{}, { DELETION_EVENTS: createQueue(hang) }]) {
    const { db, calls } = watch(env.DB)
    const { callAs, fixture } = await createHarness({ vars: { ...vars, DB: db } })
    const { line } = await callAs(fixture.administrator, { ...fixture.target, inBackground: true })
    const { rowsRead = 0, rowsWritten = 0 } = line.database ?? {}
    costs.push({ read: rowsRead, written: rowsWritten, calls: [...calls] })
  }
  const [off, on] = costs
  expect(on).toEqual({ read: off!.read + 1, written: off!.written + 1, calls: ['batch'] })
})

describe('no response waits for the queue or fails because of it', () => {
  test.each([
    ['works', async () => {}],
    ['throws', throwAtOnce],
    ['is full', refuse],
    ['never settles', hang],
  ])('if it %s, over both transports', async (_, send) => {
    const seen: unknown[] = []
    for (const vars of [{}, { DELETION_EVENTS: createQueue(send) }]) {
      const { callAs, fixture, token, issuer } = await createHarness({ vars })
      const http = await callAs(fixture.administrator, { ...fixture.target, inBackground: true })
      const { 'x-request-id': _id, ...headers } = Object.fromEntries(http.headers)
      const request = {
        token: await token(fixture.administrator),
        organizationID: fixture.organizationID,
        userID: fixture.auditor.userID,
      }
      const environment = { ...env, ...issuer.vars, ...vars } as unknown as Environment
      const rpc = await handleCall(request, environment, createExecutionContext())
      seen.push({ status: http.status, body: http.body, headers, rpc })
    }
    expect(seen[1]).toEqual(seen[0])
  })

  test('an event that was not sent stays pending, with one line in the log', async () => {
    const harness = await createHarness({ vars: { DELETION_EVENTS: createQueue(refuse) } })
    await harness.callAs(harness.fixture.administrator)
    const record = await readRecord(harness)
    expect(await pending()).toEqual([record?.['id']])
    const line = readLog()
      .map((text) => JSON.parse(text) as object)
      .find((line) => !('status' in line))
    expect(line).toEqual({
      message: 'deletion_event_deferred',
      deletionID: record?.['id'],
      cause: 'queue_failed',
    })
  })

  test('a queue that never settles is given up after ten seconds', async () => {
    const { callAs, fixture } = await createHarness({
      vars: { DELETION_EVENTS: createQueue(hang) },
    })
    const { settled } = await callAs(fixture.administrator, {
      ...fixture.target,
      inBackground: true,
    })
    expect(await isPending(settled)).toBe(true)
    await settled
    expect(readLog().join()).toContain('"cause":"queue_timeout"')
    expect(await pending()).toHaveLength(1)
  })
})

test('an event is pending before it is sent, and until it was removed', async () => {
  const seen: number[] = []
  const queue = createQueue(async () => seen.push((await pending()).length))
  const { callAs, fixture } = await createHarness({ vars: { DELETION_EVENTS: queue } })
  await callAs(fixture.administrator)
  expect(seen).toEqual([1])
})

test('a refusal and a replay make no event', async () => {
  const queue = createQueue()
  const { callAs, fixture } = await createHarness({ vars: { DELETION_EVENTS: queue } })
  const call = { ...fixture.target, headers: { 'Idempotency-Key': 'k' } }
  const statuses = []
  for (const [who, what] of [
    [fixture.auditor, call],
    [fixture.administrator, { ...fixture, userID: 'absent' }],
    [fixture.administrator, call],
    [fixture.administrator, call],
  ] as const) {
    statuses.push((await callAs(who, what)).status)
  }
  expect(statuses).toEqual([403, 404, 200, 200])
  expect(queue.sent).toHaveLength(1)
  expect(await pending()).toEqual([])
})

test('a deletion whose first response was lost makes one event', async () => {
  let isFirst = true
  const DB = {
    prepare: (sql: string) => env.DB.prepare(sql),
    async batch<T>(statements: D1PreparedStatement[]) {
      const results = await env.DB.batch<T>(statements)
      if (!isFirst) return results
      isFirst = false
      throw new Error('Network connection lost.')
    },
  }
  const queue = createQueue()
  const harness = await createHarness({ vars: { DELETION_EVENTS: queue, DB } })
  expect((await harness.callAs(harness.fixture.administrator)).status).toBe(200)
  const record = await readRecord(harness)
  expect(queue.sent).toMatchObject([
    { id: record?.['id'], time: new Date(Number(record?.['deleted_at'])).toISOString() },
  ])
  expect(await pending()).toEqual([])
})

test('the events of many deletions are removed together', async () => {
  const { db, statements } = watch(env.DB)
  const vars = { DELETION_EVENTS: createQueue(), DB: db }
  const harnesses = await Promise.all(Array.from({ length: 8 }, () => createHarness({ vars })))
  await Promise.all(harnesses.map(({ callAs, fixture }) => callAs(fixture.administrator)))
  expect(await pending()).toEqual([])
  const removals = statements.filter((sql) => sql.startsWith('delete from deletion_outbox'))
  expect(removals.length).toBeLessThan(3)
})

test('an event that was sent but not removed stays for the sweep', async () => {
  const DB = {
    prepare: (sql: string) =>
      sql.startsWith('delete from deletion_outbox')
        ? env.DB.prepare('SELECT * FROM nowhere')
        : env.DB.prepare(sql),
    batch: (statements: D1PreparedStatement[]) => env.DB.batch(statements),
  }
  const { callAs, fixture } = await createHarness({ vars: { DELETION_EVENTS: createQueue(), DB } })
  expect((await callAs(fixture.administrator)).status).toBe(200)
  expect(await pending()).toHaveLength(1)
  expect(readLog().join()).toContain('"cause":"removal_failed"')
})

test.each<[unknown, number | undefined]>([
  [undefined, undefined],
  ['', undefined],
  ['1', 1],
  [' 30 ', 30],
  [7, 7],
])('DELETION_RECORD_DAYS = %j', async (value, days) => {
  const { issuer } = await createHarness()
  const vars = { ...env, ...issuer.vars, DELETION_RECORD_DAYS: value } as unknown as Environment
  expect(readConfig(vars).deletionRecordDays).toBe(days)
})
