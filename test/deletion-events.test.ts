/**
 * The event of a deletion: its form, its row in the outbox, and responses that do not wait for the queue.
 */
import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, expect, test } from 'vitest'
import type { Environment } from '../src/config'
import { handleCall } from '../src/rpc'
import { removeFromOutbox } from '../src/statements'
import { failFirst, watch, withBatch } from './support/database'
import { readLog } from './support/worker/log'
import { createHarness, type Harness } from './support/worker/harness'

const hang = () => new Promise<never>(() => {})
const refuse = () => Promise.reject(new Error('Storage Limit Exceeded'))
const throwAtOnce = () => {
  throw new Error('Too Many Requests')
}

function createQueue(send: () => Promise<unknown> = async () => {}) {
  const sent: Readonly<Record<string, unknown>>[] = []
  return {
    sent,
    send(body: Readonly<Record<string, unknown>>) {
      sent.push(structuredClone(body))
      return send()
    },
    sendBatch: hang,
  }
}

async function readPending(): Promise<unknown[]> {
  const { results } = await env.DB.prepare('SELECT deletion_id FROM deletion_outbox').all()
  return results.map((row) => row['deletion_id'])
}

/** Reads the ID and the time of the deletion record, as its event has them. */
async function readRecord({ fixture }: Harness) {
  const sql = 'SELECT id, deleted_at FROM user_deletions WHERE organization_id = ?'
  const record = await env.DB.prepare(sql).bind(fixture.organizationID).first()
  return { id: record?.['id'], time: new Date(Number(record?.['deleted_at'])).toISOString() }
}

beforeEach(() => env.DB.prepare('DELETE FROM deletion_outbox').run())

test.each([
  ['administrator', 'user', 'false'],
  ['serviceAccount', 'service_account', 'true'],
] as const)(
  'sends one event, with the values of the record, of a call by %s',
  async (caller, kind, groups) => {
    const pending: unknown[] = []
    const queue = createQueue(async () => pending.push(await readPending()))
    const vars = { DELETION_EVENTS: queue, RECORD_GROUPS: groups }
    const harness = await createHarness({ vars })
    const { fixture } = harness
    const { status, headers, line } = await harness.callAs(fixture[caller])
    expect(status).toBe(200)
    const record = await readRecord(harness)
    expect(queue.sent).toEqual([
      {
        specversion: '1.0',
        ...record,
        type: 'dev.identity-worker.user.deleted',
        source: `/api/v1/organizations/${encodeURIComponent(fixture.organizationID)}`,
        subject: fixture.target.userID,
        datacontenttype: 'application/json',
        data: {
          organizationID: fixture.organizationID,
          userID: fixture.target.userID,
          personID: fixture.target.person.id,
          actor: { kind, subject: line.actor?.subject },
          groupsRemoved: 2,
          ...(groups === 'true' && { groupIDs: [fixture.auditors, fixture.readers].toSorted() }),
          requestID: headers.get('X-Request-Id'),
        },
      },
    ])
    expect([pending, await readPending()]).toEqual([[[record.id]], []])
    expect(readLog()).toHaveLength(1)
  },
)

test('reads one row and writes one row more than a deletion without events', async () => {
  const costs: (number | undefined)[][] = []
  for (const vars of [{}, { DELETION_EVENTS: createQueue(hang) }]) {
    const { db, calls } = watch(env.DB)
    const { callAs, fixture } = await createHarness({ vars: { ...vars, DB: db } })
    const { line } = await callAs(fixture.administrator, { ...fixture.target, inBackground: true })
    expect(calls).toEqual(['batch'])
    costs.push([line.database?.rowsRead, line.database?.rowsWritten])
  }
  expect(costs[1]).toEqual(costs[0]?.map((rows = 0) => rows + 1))
})

test.each([
  ['works', async () => {}],
  ['throws', throwAtOnce],
  ['is full', refuse],
  ['never settles', hang],
])('changes no response over either transport if the queue %s', async (_, send) => {
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

test.each<[cause: string, send: () => Promise<never>]>([
  ['queue_failed', refuse],
  ['queue_failed', throwAtOnce],
  ['queue_timeout', hang],
])('keeps an event that was not sent, with one line in the log: %s', async (cause, send) => {
  const harness = await createHarness({ vars: { DELETION_EVENTS: createQueue(send) } })
  await harness.callAs(harness.fixture.administrator)
  const { id } = await readRecord(harness)
  expect(await readPending()).toEqual([id])
  const lines = readLog().filter((line) => line.includes(String(id)))
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    { message: 'deletion_event_deferred', deletionID: id, cause },
  ])
})

test('sends no event of a refusal or a replay', async () => {
  const queue = createQueue()
  const { callAs, fixture } = await createHarness({ vars: { DELETION_EVENTS: queue } })
  const call = { ...fixture.target, headers: { 'Idempotency-Key': 'k' } }
  const responses = [
    await callAs(fixture.auditor, call),
    await callAs(fixture.administrator, { ...fixture, userID: 'absent' }),
    await callAs(fixture.administrator, call),
    await callAs(fixture.administrator, call),
  ]
  expect(responses.map(({ status }) => status)).toEqual([403, 404, 200, 200])
  expect([queue.sent.length, await readPending()]).toEqual([1, []])
})

test('sends one event of a deletion whose first response was lost', async () => {
  const queue = createQueue()
  const { DB } = failFirst(env.DB, 1, 'Network connection lost.', true)
  const harness = await createHarness({ vars: { DELETION_EVENTS: queue, DB } })
  expect((await harness.callAs(harness.fixture.administrator)).status).toBe(200)
  expect(queue.sent).toMatchObject([await readRecord(harness)])
  expect(await readPending()).toEqual([])
})

test('removes the events of many deletions together', async () => {
  const { db, statements } = watch(env.DB)
  const vars = { DELETION_EVENTS: createQueue(), DB: db }
  const harnesses = await Promise.all(Array.from({ length: 8 }, () => createHarness({ vars })))
  const settled: Promise<void>[] = []
  for (const { callAs, fixture } of harnesses) {
    const call = { ...fixture.target, inBackground: true }
    settled.push((await callAs(fixture.administrator, call)).settled)
    await scheduler.wait(20)
  }
  await Promise.all(settled)
  expect(await readPending()).toEqual([])
  expect(statements.filter((sql) => sql === removeFromOutbox.sql).length).toBeLessThan(3)
})

test('keeps an event that was sent but not removed, for the sweep', async () => {
  const DB = {
    ...withBatch(env.DB, (statements) => env.DB.batch(statements)),
    prepare: (sql: string) =>
      env.DB.prepare(sql === removeFromOutbox.sql ? 'SELECT * FROM nowhere' : sql),
  }
  const { callAs, fixture } = await createHarness({ vars: { DELETION_EVENTS: createQueue(), DB } })
  expect((await callAs(fixture.administrator)).status).toBe(200)
  expect(await readPending()).toHaveLength(1)
  expect(readLog().join()).toContain('"cause":"removal_failed"')
})
