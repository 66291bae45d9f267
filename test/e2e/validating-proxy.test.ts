/**
 * docs/openapi.yaml against the Worker, through Prism: a proxy that compares requests and responses with a description.
 * HEAD and TRACE are not tested: Prism reads a body that HEAD does not have, and `fetch` sends no TRACE.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import getPort from 'get-port'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DATABASE } from '../../dev/identity-worker'
import { pathOf } from '../support/node/client'
import { startWithIssuer } from '../support/node/local-workers'
import { createFixture, subjectOf, type Subject } from '../support/fixture'
import { addToFixture, cases, deployments } from '../service-binding/outcomes'
import { startTool } from './support/tools'

const PAGE = 'https://console.example'
const NO_TOKEN = 'Invalid security scheme used'
const NOT_DESCRIBED = 'Selected route not found'

type Prism = Awaited<ReturnType<typeof startPrism>>

const proxies = new Map<string, Prism>()
const workers = await startWithIssuer(() => ({
  identity: Object.entries(deployments).map(([name, vars]) => ({
    name,
    vars: { CORS_ORIGINS: PAGE, ...vars },
    d1Databases: name === 'WITHOUT_TABLES' ? { DB: 'empty' } : DATABASE,
  })),
}))
const { issuer } = workers
/** Has the users that requests name by a fixed ID. */
const shared = await createFixture(workers.db, addToFixture)

beforeAll(async () => {
  const names = Object.keys(deployments)
  await Promise.all(
    names.map(async (name) => proxies.set(name, await startPrism(workers.urlOf(name)))),
  )
})

afterAll(async () => {
  for (const prism of proxies.values()) await prism.stop()
  await workers.stop()
})

/** Starts Prism in front of a server; resolves when it listens. */
async function startPrism(server: URL) {
  const port = await getPort({ host: '127.0.0.1' })
  const options = ['--port', String(port), '--cors=false'] // else Prism responds to preflights itself
  const child = startTool('prism', ['proxy', 'docs/openapi.yaml', server.origin, ...options])
  const ended = once(child, 'exit')
  let output = ''
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        output += String(chunk)
        if (output.includes('Prism is listening')) resolve()
      })
    }
    ended.then(() => reject(new Error(`Prism ended:\n${output}`)), reject)
  })
  return {
    url: new URL(`http://127.0.0.1:${port}`),
    async stop() {
      child.kill()
      await ended
    },
  }
}

/** Sends a request through Prism; returns the status, the body and the violations that Prism reports. */
async function send(prism: Prism | undefined, path: string, init: RequestInit = {}) {
  const response = await fetch(new URL(path, prism?.url), { method: 'DELETE', ...init })
  const violations = JSON.parse(response.headers.get('sl-violations') ?? '[]') as {
    readonly location: readonly string[]
    readonly message: string
  }[]
  return { status: response.status, body: await response.text(), violations }
}

test.each(cases)('describes the response to $title: $reason', async (row) => {
  const { caller = 'administrator', user = 'target', deployment = 'USUAL', outcome } = row
  const fixture = row.request === undefined ? await createFixture(workers.db) : shared
  const subject = (fixture as unknown as Record<string, Subject>)[caller] ?? caller
  const signed = await issuer.token(subjectOf(subject), row.token)
  const { userID } = fixture[user]
  const { token, ...ids } = {
    token: row.alter?.(signed) ?? signed,
    organizationID: fixture.organizationID,
    userID,
    ...row.request,
  }
  const responses = []
  for (const key of row.keys === undefined ? [undefined] : [row.keys[0], row.keys[1]]) {
    const headers = {
      Origin: PAGE,
      ...(token === '' ? {} : { Authorization: `Bearer ${token}` }),
      ...(key === undefined ? {} : { 'Idempotency-Key': key }),
    }
    const path = pathOf(ids.organizationID, ids.userID)
    responses.push(await send(proxies.get(deployment), path, { headers }))
  }
  const { status, body, violations } = responses.at(-1)!
  expect(violations.map(({ message }) => message)).toEqual(token === '' ? [NO_TOKEN] : [])
  expect(status).toBe(outcome.ok ? 200 : outcome.status)
  const error = outcome.ok ? '' : outcome.error
  expect(body === '' ? '' : (JSON.parse(body) as { error: string }).error).toBe(error)
})

const PREFLIGHT = {
  Origin: PAGE,
  'Access-Control-Request-Method': 'DELETE',
  'Access-Control-Request-Headers': 'authorization',
}
const USER = pathOf('o', 'u')
const FOREIGN = { Origin: 'https://elsewhere.example', Authorization: 'Bearer a.b' }

test.each<[title: string, status: number, path: string, init: RequestInit, complaint?: string]>([
  ['another scheme', 401, USER, { headers: { Authorization: 'Basic YTpi' } }, NO_TOKEN],
  ['a request without an origin', 401, USER, { headers: { Authorization: 'Bearer a.b' } }],
  ['an origin that is not permitted', 401, USER, { headers: FOREIGN }],
  ['another path', 404, '/nowhere', { method: 'GET' }, NOT_DESCRIBED],
  ['another method on the path', 405, USER, { method: 'PUT' }, NOT_DESCRIBED],
  ['OPTIONS on the path', 204, USER, { method: 'OPTIONS' }],
  ['a preflight of a page', 204, USER, { method: 'OPTIONS', headers: PREFLIGHT }],
])('describes the response to %s: %i', async (_, status, path, init, complaint) => {
  const response = await send(proxies.get('USUAL'), path, init)
  const messages = response.violations.map(({ message }) => message)
  expect(messages).toEqual(complaint === undefined ? [] : [complaint])
  expect(response.status).toBe(status)
})

test('reports a response that differs from the description', async () => {
  const wrong = createServer((_, response) => {
    response.writeHead(404, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
    response.end(
      '{"error":"forbidden","error_description":"the requested resource does not exist"}',
    )
  }).listen(0, '127.0.0.1')
  await once(wrong, 'listening')
  const { port } = wrong.address() as AddressInfo
  const prism = await startPrism(new URL(`http://127.0.0.1:${port}`))
  try {
    const { violations } = await send(prism, USER, { headers: { Authorization: 'Bearer token' } })
    const found = violations.map(({ location }) => location.join('.'))
    expect(found).toEqual(expect.arrayContaining(['response.body.error', 'response.header']))
  } finally {
    await prism.stop()
    wrong.closeAllConnections()
    wrong.close()
  }
})
