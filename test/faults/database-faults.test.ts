/**
 * D1 fails a deletion in every way and at every point; each case says what must come of it. A real D1 does what the case
 * leaves to it: a batch that breaks off is rolled back by SQLite, one whose answer is lost has been committed.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compare, readDatabase } from '../support/database'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { createWorld, type World } from '../support/world'
import { databaseCases, type Aftermath } from './database-cases'
import { clearRows, writeRows, type Row } from './rig/results'
import { startRig, type Rig } from './rig/start'

const TABLE = 'database-faults'
const rows = new Map<string, Row>()
let issuer: ServedIssuer
let rig: Rig

beforeAll(async () => {
  clearRows(TABLE)
  issuer = await serveIssuer()
  rig = await startRig({ ...issuer.vars })
})

afterAll(async () => {
  await rig.stop()
  await issuer.stop()
})

const tokenOf = (world: World) => issuer.token(world.administrator.person.subject)

async function count(sql: string, id: string): Promise<number> {
  return (await rig.db.prepare(`SELECT count(*) FROM ${sql} = ?`).bind(id).first('count(*)')) ?? -1
}

/** What is there of a user who was in two groups; anything between the two is described as it is. */
async function findAftermath({ target }: World): Promise<string> {
  const users = await count('organization_users WHERE id', target.userID)
  const memberships = await count('group_members WHERE organization_user_id', target.userID)
  const records = await count('user_deletions WHERE organization_user_id', target.userID)
  if (users === 1 && memberships === 2 && records === 0) return 'as before' satisfies Aftermath
  if (users === 0 && memberships === 0 && records === 1) {
    return 'user removed, one record' satisfies Aftermath
  }
  return `${users} users, ${memberships} memberships, ${records} records`
}

/** Waits until a batch that went on after the answer has had its time. */
async function settle({ plan }: (typeof databaseCases)[number]): Promise<void> {
  const delays = plan.database?.map((fault) => ('delayMs' in fault ? (fault.delayMs ?? 0) : 0))
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, ...(delays ?? []))))
}

const seconds = (wait: string | null): string => (wait === null ? '–' : `${wait} s`)

describe.concurrent('where D1 fails', () => {
  test.for(databaseCases)('$fault: $status, $after', async (given, { expect }) => {
    const world = await createWorld(rig.db)
    const sent = { ...world.target, token: await tokenOf(world) }
    const started = Date.now()
    const answer = await rig.call(sent, given.plan)
    const line = await rig.lineOf(answer.requestID)
    await settle(given)
    const after = await findAftermath(world)
    const wait = answer.headers.get('Retry-After')
    const midnight = Math.ceil(86_400 - ((started / 1_000) % 86_400))
    const atMidnight = wait !== null && Math.abs(Number(wait) - midnight) <= 30

    expect.soft(answer.status).toBe(given.status)
    expect.soft(line.reason).toBe(given.reason)
    expect.soft(after).toBe(given.after)
    expect.soft(line.database?.attempts).toBe(given.attempts)
    if (given.retryAfter === 'midnight') expect.soft(atMidnight).toBe(true)
    else expect.soft(wait).toBe(given.retryAfter === undefined ? null : String(given.retryAfter))
    expect.soft((await rig.report(answer.requestID)).batches).toBe(given.attempts)

    rows.set(given.fault, {
      Fault: given.fault,
      Answer: answer.status,
      'Retry-After': given.retryAfter === 'midnight' ? 'until 00:00 UTC' : seconds(wait),
      'Reason in the log': line.reason === undefined ? '–' : `\`${line.reason}\``,
      Attempts: line.database?.attempts ?? 0,
      Database: after,
    })
  })
})

test('the table has a row for every case, in their order', () => {
  const inOrder = databaseCases.flatMap(({ fault }): Row[] => {
    const row = rows.get(fault)
    return row === undefined ? [] : [row]
  })
  expect(inOrder.length).toBe(databaseCases.length)
  writeRows(TABLE, inOrder)
})

const LOST = { at: 'after', message: 'Network connection lost.' } as const

describe.concurrent('a caller that got a 500', () => {
  test.for([
    { fault: 'the answer was lost at each attempt', database: [LOST, LOST, LOST] },
    { fault: 'D1 hung after the commit', database: [{ at: 'hang after' } as const] },
  ])('gets 200 for a repeat with its key where $fault', async ({ database }, { expect }) => {
    const world = await createWorld(rig.db)
    const headers = { 'Idempotency-Key': 'again' }
    const sent = { ...world.target, token: await tokenOf(world), headers }
    expect((await rig.call(sent, { database })).status).toBe(500)
    expect((await rig.call(sent)).status).toBe(200)
    expect((await rig.call({ ...sent, headers: {} })).status).toBe(404)
    expect((await rig.call({ ...sent, headers: { 'Idempotency-Key': 'other' } })).status).toBe(404)
    expect(await findAftermath(world)).toBe('user removed, one record')
  })

  test('gets 200 for a repeat with its key while the first call is still at work', async ({
    expect,
  }) => {
    const world = await createWorld(rig.db)
    const headers = { 'Idempotency-Key': 'again' }
    const sent = { ...world.target, token: await tokenOf(world), headers }
    const slow = rig.call(sent, { database: [{ at: 'hang after', delayMs: 6_000 }] })
    expect((await slow).status).toBe(500)
    expect((await rig.call(sent)).status).toBe(200)
    await new Promise((resolve) => setTimeout(resolve, 2_000))
    expect(await findAftermath(world)).toBe('user removed, one record')
  })
})

test('a deletion whose caller goes away while D1 fails is finished all the same', async () => {
  const world = await createWorld(rig.db)
  const sent = { ...world.target, token: await tokenOf(world) }
  const slow = { at: 'before', message: 'Network connection lost.', delayMs: 1_000 } as const
  const leave = await rig.callAndLeave(sent, { database: [slow] })
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(await findAftermath(world)).toBe('as before')
  leave()
  await expect
    .poll(() => findAftermath(world), { timeout: 10_000 })
    .toBe('user removed, one record')
  const ids = rig.log.filter((line) => line.includes(world.target.userID))
  expect(ids.map((line) => (JSON.parse(line) as { status: number }).status)).toEqual([200])
})

test('a lost answer leaves everything else in the database as it was', async () => {
  const world = await createWorld(rig.db)
  const before = await readDatabase(rig.db)
  const sent = { ...world.target, token: await tokenOf(world) }
  const { requestID, status } = await rig.call(sent, { database: [LOST, LOST] })
  expect(status).toBe(200)
  const { removed, added } = compare(before, await readDatabase(rig.db))
  expect(Object.entries(removed).map(([table, { length }]) => [table, length])).toEqual([
    ['group_members', 2],
    ['organization_users', 1],
  ])
  expect(added).toEqual({
    user_deletions: [expect.objectContaining({ request_id: requestID, groups_removed: 2 })],
  })
})

test('the pauses between attempts are drawn anew, each from its own range', async () => {
  const world = await createWorld(rig.db)
  const sent = { ...world.target, token: await tokenOf(world) }
  const database = Array.from({ length: 3 }, () => ({ ...LOST, at: 'before' as const }))
  const calls = Array.from({ length: 25 }, () => rig.call(sent, { database }))
  const pauses: (readonly number[])[] = []
  for (const { requestID } of await Promise.all(calls)) {
    const { timers } = await rig.report(requestID)
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

test('nothing that D1 says gets into a log line', () => {
  const said = /SQLITE|D1_ERROR|D1 DB|reference =|nobody has documented|select |no such table/i
  expect(rig.log.filter((line) => said.test(line))).toEqual([])
  expect(rig.log.length).toBeGreaterThan(databaseCases.length)
})
