/**
 * The Worker as deployed, over a socket: request targets to the byte, methods, and what it logs.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, callRaw, pathOf } from '../support/node/client'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'
import { createWorld, type World } from '../support/world'

const BASE = '/api/v1/organizations'
let issuer: ServedIssuer
let workers: LocalWorkers

beforeAll(async () => {
  issuer = await serveIssuer()
  workers = await startWorkers({ identity: [{ vars: { ...issuer.vars } }] })
})

afterAll(async () => {
  await workers.stop()
  await issuer.stop()
})

async function send(method: string, target: string, world: World) {
  const token = await issuer.token(world.administrator.person.subject)
  const head = [
    `${method} ${target} HTTP/1.1`,
    `Host: ${workers.url.host}`,
    'Connection: close',
    `Authorization: Bearer ${token}`,
  ]
  return callRaw(workers.url, `${head.join('\r\n')}\r\n\r\n`)
}

describe('a request target', () => {
  test.each([
    [`${BASE}/O/users/U`, 200],
    [`${BASE}/O/users/U?x=1`, 200],
    [`${BASE}/O/users/x/../U`, 200],
    [`${BASE}/O/users/%2e/U`, 200],
    [`${BASE}/O/x/%2E%2e/users/U`, 200],
    ['/api\\v1\\organizations\\O\\users\\U', 200],
    [`${BASE}/O/users/U/`, 404],
    [`${BASE}/O/users/..`, 404],
    [`${BASE}/O/users/.`, 404],
    [`/${BASE}/O/users/U`, 404],
    ['/', 404],
  ])('%s gets %i', async (target, status) => {
    const world = await createWorld(workers.db)
    const { organizationID, userID } = world.target
    const path = target.replace('O/', `${organizationID}/`).replace('O\\', `${organizationID}\\`)
    const answer = await send('DELETE', path.replace(/U(?=$|[/?])/, userID), world)
    expect(answer.status).toBe(status)
  })

  test('may be the whole URL', async () => {
    const world = await createWorld(workers.db)
    const path = pathOf(world.organizationID, world.target.userID)
    expect((await send('DELETE', `http://identity.example${path}`, world)).status).toBe(200)
  })
})

describe('a method', () => {
  test.each([
    ['GET', 405],
    ['HEAD', 405],
    ['POST', 405],
    ['PUT', 405],
    ['PATCH', 405],
    ['TRACE', 405],
    ['PROPFIND', 405],
    ['OPTIONS', 204],
  ])('%s gets %i', async (method, status) => {
    const world = await createWorld(workers.db)
    const answer = await send(method, pathOf(world.organizationID, world.target.userID), world)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('Allow')).toBe('DELETE, OPTIONS')
  })
})

test('each answer has one log line, and nothing else is logged', async () => {
  const world = await createWorld(workers.db)
  const before = workers.log.length
  const token = await issuer.token(world.administrator.person.subject)
  await call(workers.url, { ...world.target, token })
  await call(workers.url, { ...world.target, token })
  await call(workers.url, { path: '/nowhere' })
  const lines = workers.log.slice(before).map((text) => JSON.parse(text) as { status: number })
  expect(lines.map(({ status }) => status)).toEqual([200, 404, 404])
})
