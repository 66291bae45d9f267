/**
 * The Worker as deployed, over a socket: request targets and headers to the byte, methods, and what it logs. Links to
 * public bug reports name where such a request was seen.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, callRaw, pathOf, type CallResponse } from '../support/node/client'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'
import { createFixture } from '../support/fixture'

/** A Worker that passes what it gets over the service binding. */
const CALLER = {
  name: 'caller',
  modules: true,
  compatibilityDate: '2026-10-01',
  serviceBindings: { IDENTITY: { name: 'identity', entrypoint: 'Identity' } },
  script: `export default {
    fetch: async (request, env) => Response.json(await env.IDENTITY.deleteUser(await request.json())),
  }`,
}

const BASE = '/api/v1/organizations'
let issuer: ServedIssuer
let workers: LocalWorkers

beforeAll(async () => {
  issuer = await serveIssuer()
  workers = await startWorkers({ identity: [{ vars: { ...issuer.vars } }], others: [CALLER] })
})

afterAll(async () => {
  await workers.stop()
  await issuer.stop()
})

/** Sends a request with these header fields, to the byte. */
function send(
  method: string,
  path: string,
  fields: readonly string[],
  body = '',
): Promise<CallResponse> {
  const start = [`${method} ${path} HTTP/1.1`, `Host: ${workers.url.host}`, 'Connection: close']
  return callRaw(workers.url, `${[...start, ...fields].join('\r\n')}\r\n\r\n${body}`)
}

async function prepare() {
  const fixture = await createFixture(workers.db)
  const { organizationID, userID } = fixture.target
  const token = await issuer.token(fixture.administrator.person.subject)
  const authorization = `Authorization: Bearer ${token}`
  const path = pathOf(organizationID, userID)
  return { fixture, token, authorization, path, organizationID, userID }
}

describe('a request target', () => {
  test.each([
    [`${BASE}/O/users/x/../U`, 200],
    [`${BASE}/O/users/%2e/U`, 200],
    [`${BASE}/O/x/%2E%2e/users/U`, 200],
    ['/api\\v1\\organizations\\O\\users\\U', 200],
    [`${BASE}/O/users/U/`, 404],
    [`${BASE}/O/users/..`, 404],
    [`${BASE}/O/users/.`, 404],
    [`/${BASE}/O/users/U`, 404],
    [`http://identity.example${BASE}/O/users/U`, 200],
    ['/', 404],
  ])('%s gets %i', async (target, status) => {
    const { organizationID, userID, authorization } = await prepare()
    const path = target.replace(/O(?=[/\\])/, organizationID).replace(/U(?=$|[/?])/, userID)
    expect((await send('DELETE', path, [authorization])).status).toBe(status)
  })
})

// `fetch` refuses to send TRACE.
test('the method TRACE gets 405', async () => {
  const { path, authorization } = await prepare()
  const response = await send('TRACE', path, [authorization])
  expect(response.status).toBe(405)
  expect(response.headers.get('Allow')).toBe('DELETE, OPTIONS')
})

test('each response has one log line, and nothing else is logged', async () => {
  const { fixture, token } = await prepare()
  const before = workers.log.length
  await call(workers.url, { ...fixture.target, token })
  await call(workers.url, { ...fixture.target, token })
  await call(workers.url, { path: '/nowhere' })
  const lines = workers.log.slice(before).map((text) => JSON.parse(text) as { status: number })
  expect(lines.map(({ status }) => status)).toEqual([200, 404, 404])
})

describe('a header', () => {
  test.each(['', '12345'])(
    'Expect announces the body %j before it is sent (drogonframework/drogon#2560)',
    async (body) => {
      const { path, authorization } = await prepare()
      const fields = ['Expect: 100-continue', `Content-Length: ${body.length}`]
      expect((await send('DELETE', path, [authorization, ...fields], body)).status).toBe(200)
    },
  )

  test('may have white space around its value (Routstr/routstr-core#382)', async () => {
    const { path, token } = await prepare()
    for (const field of ['Idempotency-Key:\t key-4 \t', 'Idempotency-Key: key-4']) {
      const fields = [`Authorization:   Bearer ${token}  \t`, field]
      expect((await send('DELETE', path, fields)).status).toBe(200)
    }
  })

  test('that is repeated has no value that is valid (cloudflare/cloudflare-docs#17)', async () => {
    const { path, authorization } = await prepare()
    const twoTokens = await send('DELETE', path, [authorization, authorization])
    expect(twoTokens.status).toBe(401)
    expect(twoTokens.headers.get('WWW-Authenticate')).toContain('invalid_token')
    const id = 'X-Request-Id: abc'
    const twoIDs = await send('DELETE', path, [authorization, id, id])
    expect(twoIDs.status).toBe(200)
    expect(twoIDs.headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/)
  })
})

test('the service binding rejects the value of the header in place of the token', async () => {
  const { token, organizationID, userID } = await prepare()
  const send = async (text: string): Promise<unknown> => {
    const body = JSON.stringify({ token: text, organizationID, userID })
    return (await fetch(workers.urlOf('caller'), { method: 'POST', body })).json()
  }
  expect(await send(`Bearer ${token}`)).toEqual({
    ok: false,
    status: 401,
    error: 'access_denied',
    error_description: 'authentication failed',
  })
  expect(await send(token)).toEqual({ ok: true })
})
