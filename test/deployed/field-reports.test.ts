/**
 * Situations from public bug reports of others, as far as they need a socket or another Worker: what callers really send.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callRaw, pathOf } from '../support/node/client'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'
import { createWorld, type World } from '../support/world'

/** A Worker that hands what it is sent over the service binding. */
const CALLER = {
  name: 'caller',
  modules: true,
  compatibilityDate: '2026-10-01',
  serviceBindings: { IDENTITY: { name: 'identity', entrypoint: 'Identity' } },
  script: `export default {
    fetch: async (request, env) => Response.json(await env.IDENTITY.deleteUser(await request.json())),
  }`,
}

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

async function prepare(): Promise<{ world: World; token: string }> {
  const world = await createWorld(workers.db)
  return { world, token: await issuer.token(world.administrator.person.subject) }
}

/** Deletes the target with these header fields, sent to the byte. */
function deleteTarget({ target }: World, fields: readonly string[], body = '') {
  const head = [
    `DELETE ${pathOf(target.organizationID, target.userID)} HTTP/1.1`,
    `Host: ${workers.url.host}`,
    'Connection: close',
    ...fields,
  ]
  return callRaw(workers.url, `${head.join('\r\n')}\r\n\r\n${body}`)
}

describe('a client announces a body before it sends it (drogonframework/drogon#2560)', () => {
  test.each(['', '12345'])('of %j', async (body) => {
    const { world, token } = await prepare()
    const fields = [
      `Authorization: Bearer ${token}`,
      'Expect: 100-continue',
      `Content-Length: ${body.length}`,
    ]
    expect((await deleteTarget(world, fields, body)).status).toBe(200)
  })
})

test('there is white space around a header’s value (Routstr/routstr-core#382)', async () => {
  const { world, token } = await prepare()
  const answer = await deleteTarget(world, [`Authorization:   Bearer ${token}  \t`])
  expect(answer.status).toBe(200)
})

describe('repeated headers are joined (cloudflare/cloudflare-docs#17)', () => {
  test('two request IDs are none, so one is made', async () => {
    const { world, token } = await prepare()
    const twice = ['X-Request-Id: abc', 'X-Request-Id: abc']
    const answer = await deleteTarget(world, [`Authorization: Bearer ${token}`, ...twice])
    expect(answer.status).toBe(200)
    expect(answer.headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('white space is no part of an idempotency key', async () => {
    const { world, token } = await prepare()
    const authorization = `Authorization: Bearer ${token}`
    const first = await deleteTarget(world, [authorization, 'Idempotency-Key:\t key-4 \t'])
    const second = await deleteTarget(world, [authorization, 'Idempotency-Key: key-4'])
    expect([first.status, second.status]).toEqual([200, 200])
  })

  test('two tokens are none', async () => {
    const { world, token } = await prepare()
    const authorization = `Authorization: Bearer ${token}`
    const answer = await deleteTarget(world, [authorization, authorization])
    expect(answer.status).toBe(401)
    expect(answer.headers.get('WWW-Authenticate')).toContain('invalid_token')
  })
})

test('the header’s value was passed in place of the token', async () => {
  const { world, token } = await prepare()
  const { organizationID, userID } = world.target
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
