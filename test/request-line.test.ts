/**
 * What the log has of a request: one line, its members and no others, the request ID and the trace ID.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { createHarness } from './support/worker/harness'
import { readLog } from './support/worker/log'

const ROUTE = '/api/v1/organizations/{organizationID}/users/{userID}'
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('the line', () => {
  test('of a deletion has the caller, the user, the number of groups and the use of D1', async () => {
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
      // A local D1 has no region.
      database: {
        attempts: 1,
        sqlMs: expect.any(Number),
        rowsRead: expect.any(Number),
        rowsWritten: 4,
      },
    })
    expect(readLog()).toHaveLength(1)
  })

  test('of an error has its code and the reason, which the response does not have', async () => {
    const { callAs, fixture } = await createHarness()
    const { line } = await callAs(fixture.auditor)
    expect(line).toMatchObject({
      status: 403,
      error: 'forbidden',
      reason: 'not_permitted',
      actor: { kind: 'user', subject: fixture.auditor.person.subject },
    })
    expect(line).not.toHaveProperty('groupsRemoved')
    expect(line).not.toHaveProperty('frames')
  })

  test('of an unknown caller has its subject alone', async () => {
    const { callAs } = await createHarness()
    expect((await callAs('a stranger')).line.actor).toEqual({ subject: 'a stranger' })
  })

  test('of an invalid token has neither a caller nor the use of D1', async () => {
    const { callWith, fixture } = await createHarness()
    const { line } = await callWith({ claims: { aud: 'other' } })
    const { organizationID, target } = fixture
    expect(line).toMatchObject({ scope: { organizationID, userID: target.userID } })
    expect(line).not.toHaveProperty('actor')
    expect(line).not.toHaveProperty('database')
  })

  test.each(['OPTIONS', 'PUT'])('of %s has the route and no IDs', async (method) => {
    const { call, fixture } = await createHarness()
    const { line } = await call({ ...fixture.target, method })
    expect(line).toMatchObject({ method, route: ROUTE })
    expect(line).not.toHaveProperty('scope')
  })

  test('has no token, no other claim, no query, no header and no unknown path', async () => {
    const { call, token, fixture } = await createHarness()
    const claims = { email: 'secret@example.com', name: 'Secret', jti: 'secret' }
    const presented = await token(fixture.administrator, { claims })
    const { organizationID, userID } = fixture.target
    await call({
      path: `/api/v1/organizations/${organizationID}/users/${userID}?secret`,
      token: presented,
      headers: { Cookie: 'secret', 'Idempotency-Key': 'secret', 'User-Agent': 'secret' },
    })
    await call({ path: '/secret/path?secret=query' })
    const text = readLog().join()
    expect(text.toLowerCase()).not.toContain('secret')
    expect(presented.split('.').filter((part) => text.includes(part))).toEqual([])
  })

  test('escapes control characters and marks of text direction', async () => {
    const { callWith, fixture } = await createHarness()
    const separators = '\u061c\u200e\u200fx\u2028\u202ex\u2066\u2069'
    const userID = `\u0000\u001b\b\t\n\f\rx\\nx\\\\"x\u007f\u0085\u009fx${separators}`
    const { line } = await callWith({}, { ...fixture.target, userID })
    expect(line.scope?.userID).toBe(userID)
    const text = readLog().join()
    expect(text).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u)
    expect(text).toContain(String.raw`\u0000\u001b\u0008\u0009\u000a\u000c\u000dx\\nx`)
    expect(text).toContain(String.raw`\u0085`)
  })
})

describe('X-Request-Id', () => {
  test.each(['a', 'abc-DEF_123.4', 'x'.repeat(128)])(
    '%s comes from the caller',
    async (requestID) => {
      const { callAs, fixture } = await createHarness()
      const headers = { 'X-Request-Id': requestID }
      const response = await callAs(fixture.administrator, { ...fixture.target, headers })
      expect(response.headers.get('X-Request-Id')).toBe(requestID)
      expect(response.line.requestID).toBe(requestID)
      const recorded = await env.DB.prepare('SELECT * FROM user_deletions WHERE request_id = ?')
        .bind(requestID)
        .first()
      expect(recorded).toMatchObject({ organization_id: fixture.organizationID })
    },
  )

  test.each([undefined, '', 'x'.repeat(129), 'a b', 'a,b', 'abc, abc', 'a/b', 'a:b', '"a"', '{}'])(
    '%j is replaced by a new one',
    async (requestID) => {
      const { call, fixture } = await createHarness()
      const headers = requestID === undefined ? {} : { 'X-Request-Id': requestID }
      const [first, second] = [
        await call({ ...fixture.target, headers }),
        await call({ ...fixture.target, headers }),
      ].map((response) => response.headers.get('X-Request-Id'))
      expect(first).toMatch(UUID)
      expect(second).not.toBe(first)
    },
  )
})

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'

test.each<[traceparent: string, traceID?: string]>([
  [`00-${TRACE}-${PARENT}-01`, TRACE],
  [`00-${TRACE}-${PARENT}-00`, TRACE],
  [`01-${TRACE}-${PARENT}-01`, TRACE],
  [`cc-${TRACE}-${PARENT}-01-what-comes-later`, TRACE],
  [''],
  ['x'],
  [TRACE],
  [`00-${TRACE}-${PARENT}`],
  [`00-${TRACE}-${PARENT}-01-more`],
  [`00-${TRACE}-${PARENT}-1`],
  [`ff-${TRACE}-${PARENT}-01`],
  [`00-${'0'.repeat(32)}-${PARENT}-01`],
  [`00-${TRACE}-${'0'.repeat(16)}-01`],
  [`00-${TRACE.toUpperCase()}-${PARENT}-01`],
  [`00-${TRACE.slice(1)}-${PARENT}-01`],
  [`00-${TRACE}-${PARENT.slice(1)}-01`],
  [`0-${TRACE}-${PARENT}-01`],
  [`00-${TRACE}-${PARENT}-01, 00-${TRACE}-${PARENT}-01`],
  [`cc-${TRACE}-${PARENT}-01more`],
])('traceparent "%s" gives the trace ID %s', async (traceparent, traceID) => {
  const { call, fixture } = await createHarness()
  const { line, status } = await call({ ...fixture.target, headers: { traceparent } })
  expect([status, line.traceID]).toEqual([401, traceID])
})
