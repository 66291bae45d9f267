/**
 * What HTTP leaves open: how IDs are spelled in a path, which paths are none, the methods, and what is never read.
 */
import { describe, expect, test, vi } from 'vitest'
import type { Call } from './support/worker/caller'
import { createHarness } from './support/worker/harness'

const BASE = '/api/v1/organizations'

/** Whether a path, in which `O` is the organization, names the user with an ID that a test chose. */
async function deleteByPath(userID: string, path: string) {
  const { callAs, fixture } = await createHarness({
    seed: (seed, { organizationID }) => void seed.member(organizationID, { id: userID }),
  })
  const response = await callAs(fixture.administrator, {
    path: path.replace('O', fixture.organizationID),
  })
  return { ...response, scope: response.line.scope, organizationID: fixture.organizationID }
}

describe('an ID is opaque and decoded once', () => {
  test.each([
    ['auth0|abc:def@x,y;z', 'auth0%7cabc%3Adef%40x%2Cy%3bz'],
    ['auth0|abc:def@x,y;z(1)', 'auth0|abc:def@x,y;z(1)'],
    ['Zoë 中文', 'Zo%C3%AB%20%E4%B8%AD%E6%96%87'],
    ['Zoë 中文 raw', 'Zoë 中文 raw'],
    ['a/b', 'a%2Fb'],
    ['a/../b', 'a%2F..%2Fb'],
    ['a\\b', 'a%5Cb'],
    ['50%', '50%25'],
    ['%41', '%2541'],
    ['a+b', 'a+b'],
    ['a b', 'a%20b'],
    ['a?b#c', 'a%3Fb%23c'],
    ['a\u0000b', 'a%00b'],
    ['line\r\nbreak', 'line%0D%0Abreak'],
    ['...', '...'],
    ['😀', '%F0%9F%98%80'],
    ['x'.repeat(4_000), 'x'.repeat(4_000)],
    ["o'neil -- ; DROP TABLE users", "o'neil%20--%20%3B%20DROP%20TABLE%20users"],
    ['{userID}', '{userID}'],
    ['__proto__', '__proto__'],
  ])('%j is spelled %j', async (userID, segment) => {
    const { status, scope, organizationID } = await deleteByPath(
      userID,
      `${BASE}/O/users/${segment}`,
    )
    expect(scope).toEqual({ organizationID, userID })
    expect(status).toBe(200)
  })

  test.each([
    ['100%', '100%'],
    ['%ZZ', '%ZZ'],
    ['%E4%B8', '%E4%B8'],
    ['%FF', '%FF'],
    ['a%ZZ%41', 'a%ZZ%41'],
    ['%C3%28%20', '%C3%28%20'],
    ['%ED%A0%80', '%ED%A0%80'],
    ['%2541%ZZ', '%2541%ZZ'],
  ])(
    '%j, in which an escape cannot be decoded, is taken literally as a whole',
    async (id, text) => {
      expect((await deleteByPath(id, `${BASE}/O/users/${text}`)).status).toBe(200)
    },
  )

  test('the organization’s ID as well', async () => {
    const { callAs, fixture } = await createHarness({
      seed(seed) {
        const organization = seed.organization('Größe/1 %41')
        seed.member(organization, { id: 'there' })
      },
    })
    const path = `${BASE}/Gr%C3%B6%C3%9Fe%2F1%20%2541/users/there`
    expect((await callAs(fixture.platformAdministrator, { path })).status).toBe(200)
  })

  test.each([
    ['another letter case', 'User-É', 'user-É'],
    ['another normal form', 'Zo\u00EB', 'Zoe\u0308'],
    ['a space more', 'a', 'a '],
    ['a NUL more', 'b', 'b\u0000'],
    ['encoded twice', 'a b', 'a%20b'],
    ['a plus for a space', 'c d', 'c+d'],
  ])('is compared byte for byte: %s names nobody', async (_, there, asked) => {
    const response = await deleteByPath(there, `${BASE}/O/users/${encodeURIComponent(asked)}`)
    expect(response.status).toBe(404)
    expect(response.line.reason).toBe('user_not_found')
  })

  test('that looks wrong is never a 400', async () => {
    const { callAs, fixture } = await createHarness()
    for (const userID of ['0', '-1', 'null', 'undefined', '*', '%', "'", '👻', 'x'.repeat(9_000)]) {
      const response = await callAs(fixture.administrator, { ...fixture, userID })
      expect(response.status).toBe(404)
    }
  })
})

describe('a path that is none of ours is a 404', () => {
  test.each([
    '/',
    '/api',
    BASE,
    `${BASE}/O`,
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
    '/API/v1/organizations/O/users/U',
    '/api/v1/Organizations/O/users/U',
    '/api/v1/organizations/O/Users/U',
    '/api/v1/organization/O/users/U',
    '/api/v1/organizations/O/user/U',
    '/api/v1/organizations/O/users/U;x/y',
    '/api/v1/organizations%2FO/users/U',
    '/api%2Fv1/organizations/O/users/U',
    '/%61pi/v1/organizations/O/users/U',
  ])('%s', async (path) => {
    const { callAs, fixture } = await createHarness()
    const { organizationID, userID } = fixture.target
    const response = await callAs(fixture.administrator, {
      path: path.replace('O/', `${organizationID}/`).replace('/U', `/${userID}`),
    })
    expect(response.status).toBe(404)
    expect(response.line.reason).toBe('route_not_found')
    expect(response.line).not.toHaveProperty('route')
    expect(JSON.stringify(response.line)).not.toContain(userID)
  })

  test.each(['GET', 'POST', 'OPTIONS', 'HEAD', 'PUT'])('for %s too', async (method) => {
    const { call } = await createHarness()
    expect((await call({ path: '/nowhere', method })).status).toBe(404)
  })
})

describe('the path is read as the URL standard has it', () => {
  test.each([
    [`${BASE}/O/users/x/../U`],
    [`${BASE}/O/users/./U`],
    [`${BASE}/O/users/%2e/U`],
    [`${BASE}/O/users/x/%2E%2e/U`],
    [`${BASE}/O/x/.%2e/users/U`],
    [`/nowhere/../api/v1/organizations/O/users/U`],
    [`\\api\\v1\\organizations\\O\\users\\U`],
    [`${BASE}/O\\users/U`],
  ])('%s names the user', async (path) => {
    const { callAs, fixture } = await createHarness()
    const { organizationID, userID } = fixture.target
    const named = path.replace('O', organizationID).replace(/U$/, userID)
    expect((await callAs(fixture.administrator, { path: named })).status).toBe(200)
  })

  test.each(['.', '..', '%2e', '%2E%2e', '.%2E'])('%s is no ID over HTTP', async (segment) => {
    const { callAs, fixture } = await createHarness({
      seed(seed, { organizationID }) {
        if (segment === '.') seed.member(organizationID, { id: '.' })
        if (segment === '..') seed.member(organizationID, { id: '..' })
      },
    })
    const path = `${BASE}/${fixture.organizationID}/users/${segment}`
    const response = await callAs(fixture.administrator, { path })
    expect(response.status).toBe(404)
    expect(response.line.reason).toBe('route_not_found')
  })
})

describe('the methods', () => {
  const ALLOW = 'DELETE, OPTIONS'

  test.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'PROPFIND', 'PURGE'])(
    '%s is not allowed, whoever asks',
    async (method) => {
      const { call, callAs, fixture } = await createHarness()
      const responses = [
        await call({ ...fixture.target, method }),
        await callAs(fixture.administrator, { ...fixture.target, method }),
      ]
      for (const response of responses) {
        expect(response.status).toBe(405)
        expect(response.headers.get('Allow')).toBe(ALLOW)
        expect(response.line.reason).toBe('method_not_allowed')
      }
      expect((await callAs(fixture.administrator)).status).toBe(200)
    },
  )

  test('OPTIONS gets 204, says what is allowed and deletes nothing', async () => {
    const { callAs, fixture } = await createHarness()
    const response = await callAs(fixture.administrator, { ...fixture.target, method: 'OPTIONS' })
    expect(response.status).toBe(204)
    expect(response.body).toBe('')
    expect(response.headers.get('Allow')).toBe(ALLOW)
    expect((await callAs(fixture.administrator)).status).toBe(200)
  })

  test('a header or a query that names another method changes nothing', async () => {
    const { callAs, fixture } = await createHarness()
    const headers = { 'X-HTTP-Method-Override': 'DELETE', 'X-Method-Override': 'DELETE' }
    const response = await callAs(fixture.administrator, {
      ...fixture.target,
      method: 'POST',
      headers,
    })
    expect(response.status).toBe(405)
  })
})

describe('what is never read', () => {
  test.each(['?', '?x=1', '?userID=other', '?a=%ZZ', '?__proto__=1', `?${'x&'.repeat(5_000)}`])(
    'the query %j',
    async (query) => {
      const { callAs, fixture } = await createHarness()
      const path = `${BASE}/${fixture.organizationID}/users/${fixture.target.userID}${query}`
      expect((await callAs(fixture.administrator, { path })).status).toBe(200)
    },
  )

  test('the query, not even as far as to split it: that takes quadratic time', async () => {
    const { callAs, fixture } = await createHarness()
    const seen = vi.spyOn(URLSearchParams.prototype, Symbol.iterator as unknown as 'entries')
    const path = `${BASE}/${fixture.organizationID}/users/${fixture.target.userID}?a&a`
    expect((await callAs(fixture.administrator, { path })).status).toBe(200)
    const split = seen.mock.contexts as URLSearchParams[]
    expect(split.filter(({ size }) => size > 0)).toEqual([])
  })

  test.each<[string, Call]>([
    ['JSON', { body: '{"userID":"other"}', headers: { 'Content-Type': 'application/json' } }],
    ['broken JSON', { body: '{', headers: { 'Content-Type': 'application/json' } }],
    ['a megabyte', { body: 'x'.repeat(1_000_000) }],
    ['a type that says nothing', { body: 'x', headers: { 'Content-Type': 'x' } }],
  ])('a body: %s', async (_, what) => {
    const { callAs, fixture } = await createHarness()
    expect((await callAs(fixture.administrator, { ...fixture.target, ...what })).status).toBe(200)
  })

  test('a body that never ends', async () => {
    const { callAs, fixture } = await createHarness()
    const body = new ReadableStream({ pull: () => new Promise(() => {}) })
    expect((await callAs(fixture.administrator, { ...fixture.target, body })).status).toBe(200)
  })

  test('what the caller would like to be answered with', async () => {
    const { call, fixture } = await createHarness()
    const headers = { Accept: 'text/html', 'Accept-Language': 'de', 'Accept-Encoding': 'br' }
    const response = await call({ ...fixture.target, headers })
    expect(response.headers.get('Content-Type')).toBe('application/json')
  })
})
