/**
 * What HTTP leaves open: how a path spells IDs, which paths are unknown, the methods, and what the Worker never reads.
 */
import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import worker from '../src/index'
import type { Call } from './support/worker/caller'
import { createHarness, outcomeOf, VALID } from './support/worker/harness'

const BASE = '/api/v1/organizations'
const UNKNOWN_PATH = '404 route_not_found'

/**
 * Sends the administrator's call to a path, in which `O` is its organization and `U` the user to delete.
 *
 * @param userID the ID of that user, in place of a new one
 */
async function callPath(path: string, { userID, ...what }: Call = {}) {
  const { callAs, fixture } = await createHarness({
    seed(seed, { organizationID }) {
      if (userID !== undefined) seed.member(organizationID, { id: userID })
    },
  })
  const { organizationID, target } = fixture
  const named = path.replace(/\bO\b/, organizationID).replace(/\bU\b/, target.userID)
  const response = await callAs(fixture.administrator, { ...what, path: named })
  return { outcome: outcomeOf(response), organizationID, target, ...response }
}

describe('an ID is opaque and decoded once', () => {
  test.each([
    ['auth0|abc:def@x,y;z', 'auth0%7cabc%3Adef%40x%2Cy%3bz'],
    ['auth0|abc:def@x,y;z(1)', 'auth0|abc:def@x,y;z(1)'],
    ['Zoë 中文', 'Zo%C3%AB%20%E4%B8%AD%E6%96%87'],
    ['a/../b\\c', 'a%2F..%2Fb%5Cc'],
    ['%41', '%2541'],
    ['a+b', 'a+b'],
    ['a b', 'a%20b'],
    ['a?b#c', 'a%3Fb%23c'],
    ['a\u0000b\r\n', 'a%00b%0D%0A'],
    ['...', '...'],
    ['0', '0'],
    ['*', '*'],
    ['x'.repeat(4_000), 'x'.repeat(4_000)],
    ["o'neil -- ; DROP TABLE users", "o'neil%20--%20%3B%20DROP%20TABLE%20users"],
    ['{userID}', '{userID}'],
    ['__proto__', '__proto__'],
    // If one escape cannot be decoded, the whole segment is taken literally.
    ...['100%', '%ZZ', '%E4%B8', '%FF', 'a%ZZ%41', '%C3%28%20', '%ED%A0%80', '%2541%ZZ'].map(
      (literal): [string, string] => [literal, literal],
    ),
  ])('%j is spelled %j', async (userID, segment) => {
    const { outcome, line, organizationID } = await callPath(`${BASE}/O/users/${segment}`, {
      userID,
    })
    expect(line.scope).toEqual({ organizationID, userID })
    expect(outcome).toBe('200')
  })

  test('the ID of an organization too', async () => {
    const { callAs, fixture } = await createHarness({
      seed: (seed) => void seed.member(seed.organization('Größe/1 %41'), { id: 'there' }),
    })
    const path = `${BASE}/Gr%C3%B6%C3%9Fe%2F1%20%2541/users/there`
    expect((await callAs(fixture.platformAdministrator, { path })).status).toBe(200)
  })

  test.each([
    ['another letter case', 'User-É', 'user-É'],
    ['another normal form', 'Zo\u00EB', 'Zoe\u0308'],
    ['an additional space', 'a', 'a '],
    ['an additional NUL', 'b', 'b\u0000'],
    ['a second encoding', 'a b', 'a%20b'],
    ['a plus for a space', 'c d', 'c+d'],
  ])('it is compared byte for byte: %s is another ID', async (_, userID, other) => {
    const { outcome } = await callPath(`${BASE}/O/users/${encodeURIComponent(other)}`, { userID })
    expect(outcome).toBe(VALID)
  })
})

test.each([
  '/',
  `${BASE}/O/users`,
  `${BASE}/O/users/`,
  `${BASE}/O/users/U/`,
  `${BASE}/O/users/U//`,
  `${BASE}/O/users/U/groups`,
  `${BASE}//users/U`,
  `${BASE}/O//users/U`,
  `${BASE}/O/users//U`,
  `/${BASE}/O/users/U`,
  `/x${BASE}/O/users/U`,
  '/api/v2/organizations/O/users/U',
  '/api/v1/organizations/O/user/U',
  '/API/v1/organizations/O/users/U',
  '/api/v1/organizations/O/users/U;x/y',
  '/api/v1/organizations%2FO/users/U',
  '/%61pi/v1/organizations/O/users/U',
  // The URL standard resolves these before routing, so that over HTTP no ID can be `.` or `..`.
  ...['.', '..', '%2e', '%2E%2e', '.%2E'].map((segment) => `${BASE}/O/users/${segment}`),
])('%s is an unknown path', async (path) => {
  const { outcome, line, target } = await callPath(path)
  expect(outcome).toBe(UNKNOWN_PATH)
  expect(line).not.toHaveProperty('route')
  expect(JSON.stringify(line)).not.toContain(target.userID)
})

test.each(['GET', 'POST', 'OPTIONS', 'HEAD', 'PUT'])(
  '%s on an unknown path gets 404',
  async (method) => {
    expect((await callPath('/nowhere', { method })).outcome).toBe(UNKNOWN_PATH)
  },
)

test.each([
  `${BASE}/O/users/x/../U`,
  `${BASE}/O/users/./U`,
  `${BASE}/O/users/%2e/U`,
  `${BASE}/O/users/x/%2E%2e/U`,
  `${BASE}/O/x/.%2e/users/U`,
  '/nowhere/../api/v1/organizations/O/users/U',
  '\\api\\v1\\organizations\\O\\users\\U',
  `${BASE}/O\\users/U`,
  // The query is never read.
  `${BASE}/O/users/U?`,
  `${BASE}/O/users/U?userID=other&a=%ZZ&__proto__=1`,
])('%s names the user, as the URL standard reads it', async (path) => {
  expect((await callPath(path)).outcome).toBe('200')
})

test('does not split the query, which takes quadratic time', async () => {
  const seen = vi.spyOn(URLSearchParams.prototype, Symbol.iterator as unknown as 'entries')
  expect((await callPath(`${BASE}/O/users/U?${'a&'.repeat(5_000)}`)).outcome).toBe('200')
  const split = seen.mock.contexts as URLSearchParams[]
  expect(split.filter(({ size }) => size > 0)).toEqual([])
})

describe('the method', () => {
  const ALLOW = 'DELETE, OPTIONS'

  test.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'PROPFIND', 'PURGE'])(
    '%s gets 405 in JSON, with and without a token, and deletes nothing',
    async (method) => {
      const { call, callAs, fixture } = await createHarness()
      const headers = { 'X-HTTP-Method-Override': 'DELETE', Accept: 'text/html' }
      const what = { ...fixture.target, method, headers }
      for (const response of [await call(what), await callAs(fixture.administrator, what)]) {
        expect(outcomeOf(response)).toBe('405 method_not_allowed')
        expect(response.headers.get('Allow')).toBe(ALLOW)
      }
      expect((await callAs(fixture.administrator)).status).toBe(200)
    },
  )

  test('OPTIONS gets 204 with the methods, and deletes nothing', async () => {
    const { callAs, fixture } = await createHarness()
    const response = await callAs(fixture.administrator, { ...fixture.target, method: 'OPTIONS' })
    expect([outcomeOf(response), response.body]).toEqual(['204', ''])
    expect(response.headers.get('Allow')).toBe(ALLOW)
    expect((await callAs(fixture.administrator)).status).toBe(200)
  })
})

test.each<[string, Call]>([
  ['JSON', { body: '{"userID":"other"}', headers: { 'Content-Type': 'application/json' } }],
  ['broken JSON', { body: '{', headers: { 'Content-Type': 'application/json' } }],
  ['a megabyte', { body: 'x'.repeat(1_000_000) }],
  ['an unknown type', { body: 'x', headers: { 'Content-Type': 'x' } }],
  ['no end', { body: new ReadableStream({ pull: () => new Promise(() => {}) }) }],
])('never reads the body: with %s', async (_, what) => {
  expect((await callPath(`${BASE}/O/users/U`, what)).outcome).toBe('200')
})

test('registers the response with the runtime, so that a deletion does not end with its caller', async () => {
  const ctx = createExecutionContext()
  const waitUntil = vi.spyOn(ctx, 'waitUntil')
  const response = worker.fetch(new Request('https://identity.example'), env, ctx)
  expect(waitUntil).toHaveBeenCalledWith(response)
  await response
})
