/**
 * What is remembered of a request: one line, its members and no other, the request ID and the trace.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { readLog } from './support/worker/log'
import { createHarness } from './support/worker/harness'

const ROUTE = '/api/v1/organizations/{organizationID}/users/{userID}'
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('the line', () => {
  test('of a deletion says who, whom, where, how many groups, and what the database did', async () => {
    const { callAs, fixture } = await createHarness()
    const { line, headers } = await callAs(fixture.administrator)
    expect(line).toEqual({
      message: 'request',
      requestID: headers.get('X-Request-Id'),
      transport: 'http',
      method: 'DELETE',
      route: ROUTE,
      status: 200,
      durationMs: expect.any(Number),
      actor: { kind: 'user', subject: fixture.administrator.person.subject },
      scope: { organizationID: fixture.organizationID, userID: fixture.target.userID },
      groupsRemoved: 2,
      database: {
        attempts: 1,
        sqlMs: expect.any(Number),
        rowsRead: expect.any(Number),
        rowsWritten: 4,
      },
    })
    expect(readLog()).toHaveLength(1)
  })

  test('of a refusal has the error of the wire and the reason that the wire does not tell', async () => {
    const { callAs, fixture } = await createHarness()
    const { line } = await callAs(fixture.auditor)
    expect(line).toMatchObject({
      status: 403,
      error: 'forbidden',
      reason: 'not_permitted',
      actor: { kind: 'user', subject: fixture.auditor.person.subject },
    })
    expect(line).not.toHaveProperty('groupsRemoved')
  })

  test('of a caller whom nobody knows has the subject alone', async () => {
    const { callAs } = await createHarness()
    const { line } = await callAs('a stranger')
    expect(line.actor).toEqual({ subject: 'a stranger' })
  })

  test('of a token that was not good names no actor and no database', async () => {
    const { callWith } = await createHarness()
    const { line } = await callWith({ claims: { aud: 'other' } })
    expect(line).not.toHaveProperty('actor')
    expect(line).not.toHaveProperty('database')
    expect(line).toHaveProperty('scope')
  })

  test('of a path that is none of ours does not hold the path', async () => {
    const { call } = await createHarness()
    await call({ path: '/secret/path?secret=query' })
    expect(readLog().join()).not.toContain('secret')
  })

  test('of OPTIONS and of another method names the route and no scope', async () => {
    const { call, fixture } = await createHarness()
    for (const method of ['OPTIONS', 'PUT']) {
      const { line } = await call({ ...fixture.target, method })
      expect(line).toMatchObject({ method, route: ROUTE })
      expect(line).not.toHaveProperty('scope')
    }
  })

  test('holds no token, no other claim, no query and no header', async () => {
    const { call, token, fixture } = await createHarness()
    const secret = { email: 'secret@example.com', name: 'Secret', jti: 'secret' }
    const presented = await token(fixture.administrator, { claims: secret })
    await call({
      path: `/api/v1/organizations/${fixture.organizationID}/users/${fixture.target.userID}?secret`,
      token: presented,
      headers: { Cookie: 'secret', 'Idempotency-Key': 'secret', 'User-Agent': 'secret' },
    })
    const text = readLog().join()
    expect(text.toLowerCase()).not.toContain('secret')
    for (const part of presented.split('.')) expect(text).not.toContain(part)
  })

  test('leaves the region out where the runtime does not tell it, and has it where it does', async () => {
    const here = await createHarness()
    const silent = await here.callAs(here.fixture.administrator)
    expect(silent.line.database).not.toHaveProperty('region')
    const { callAs, fixture } = await createHarness({ vars: { DB: tellRegion(env.DB, 'WEUR') } })
    const { line } = await callAs(fixture.administrator)
    expect(line.database).toHaveProperty('region', 'WEUR')
  })
})

test('the line escapes control characters and marks of text direction', async () => {
  const { callWith, fixture } = await createHarness()
  const odd = [
    '\u0000\u001b\b\t\n\f\r',
    '\\n\\\\"',
    '\u007f\u0085\u009f',
    '\u061c\u200e\u200f',
    '\u2028\u202e',
    '\u2066\u2069',
  ]
  const userID = odd.join('x')
  const { line } = await callWith({}, { ...fixture.target, userID })
  expect(line.scope?.userID).toBe(userID)
  expect(readLog().join()).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u)
  const escapes = String.raw`\u0000\u001b\u0008\u0009\u000a\u000c\u000dx\\n`
  expect(readLog().join()).toContain(escapes)
  expect(readLog().join()).toContain(String.raw`\u0085`)
})

describe('X-Request-Id', () => {
  test.each(['a', 'abc-DEF_123.4', 'x'.repeat(128), '550e8400-e29b-41d4-a716-446655440000'])(
    '%s is taken from the caller',
    async (requestID) => {
      const { callAs, fixture } = await createHarness()
      const headers = { 'X-Request-Id': requestID }
      const response = await callAs(fixture.administrator, { ...fixture.target, headers })
      expect(response.headers.get('X-Request-Id')).toBe(requestID)
      expect(response.line.requestID).toBe(requestID)
      const recorded = await env.DB.prepare(
        'SELECT request_id FROM user_deletions WHERE organization_id = ?',
      )
        .bind(fixture.organizationID)
        .first('request_id')
      expect(recorded).toBe(requestID)
    },
  )

  test.each([undefined, '', 'x'.repeat(129), 'a b', 'a,b', 'abc, abc', 'a/b', 'a:b', '"a"', '{}'])(
    '%j is none, so one is made',
    async (requestID) => {
      const { call, fixture } = await createHarness()
      const headers = requestID === undefined ? {} : { 'X-Request-Id': requestID }
      const first = await call({ ...fixture.target, headers })
      const second = await call({ ...fixture.target, headers })
      expect(first.headers.get('X-Request-Id')).toMatch(UUID)
      expect(second.headers.get('X-Request-Id')).not.toBe(first.headers.get('X-Request-Id'))
    },
  )
})

describe('traceparent', () => {
  const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
  const PARENT = '00f067aa0ba902b7'

  test.each([
    `00-${TRACE}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-00`,
    `01-${TRACE}-${PARENT}-01`,
    `cc-${TRACE}-${PARENT}-01-what-comes-later`,
  ])('%s gives the trace ID', async (traceparent) => {
    const { call, fixture } = await createHarness()
    const { line } = await call({ ...fixture.target, headers: { traceparent } })
    expect(line.traceID).toBe(TRACE)
  })

  test.each([
    '',
    'x',
    TRACE,
    `00-${TRACE}-${PARENT}`,
    `00-${TRACE}-${PARENT}-01-more`,
    `00-${TRACE}-${PARENT}-1`,
    `ff-${TRACE}-${PARENT}-01`,
    `00-${'0'.repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${TRACE.slice(1)}-${PARENT}-01`,
    `0-${TRACE}-${PARENT}-01`,
    `00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`,
    `cc-${TRACE}-${PARENT}-01more`,
  ])('%j is ignored', async (traceparent) => {
    const { call, fixture } = await createHarness()
    const { line, status } = await call({ ...fixture.target, headers: { traceparent } })
    expect(status).toBe(401)
    expect(line).not.toHaveProperty('traceID')
  })
})

/** A database whose answers say where it is, as deployed ones do. */
function tellRegion(db: D1Database, region: string): Pick<D1Database, 'prepare' | 'batch'> {
  return {
    prepare: (sql) => db.prepare(sql),
    async batch<T>(statements: D1PreparedStatement[]) {
      const results = await db.batch<T>(statements)
      for (const { meta } of results) Object.assign(meta, { served_by_region: region })
      return results
    },
  }
}
