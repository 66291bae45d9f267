/**
 * The Worker as deployed, over a socket: request targets and headers to the byte, and two isolates. Links lead to public
 * reports of such requests.
 */
import { describe, expect, test } from 'vitest'
import { createHarness } from '../operations/harness'
import { createFixture } from '../support/fixture'
import { callRaw, pathOf, type CallResponse } from '../support/node/client'

const BASE = '/api/v1/organizations'
const { issuer, workers, db, readLine } = await createHarness(() => [{}, { name: 'second' }])

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
  const { target, administrator } = await createFixture(db)
  const { organizationID, userID } = target
  const token = await issuer.token(administrator.person.subject)
  const authorization = `Authorization: Bearer ${token}`
  return { token, authorization, path: pathOf(organizationID, userID), organizationID, userID }
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
test('responds 405 to TRACE', async () => {
  const { path, authorization } = await prepare()
  const response = await send('TRACE', path, [authorization])
  expect(response.status).toBe(405)
  expect(response.headers.get('Allow')).toBe('DELETE, OPTIONS')
})

describe('a header', () => {
  test.each(['', '12345'])(
    'Expect may announce the body %j (drogonframework/drogon#2560)',
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

  test('is not valid when it is repeated (cloudflare/cloudflare-docs#17)', async () => {
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

test('two isolates of one location fetch the keys once', async () => {
  const token = await issuer.token('unknown')
  for (const name of ['identity', 'second']) {
    const line = await readLine({ organizationID: 'o', userID: 'u', token }, workers.urlOf(name))
    expect(line['reason']).toBe('caller_unknown')
  }
  expect(issuer.endpoint.requests).toHaveLength(1)
})
