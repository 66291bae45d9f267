/**
 * Prism, a validating proxy that others wrote, stands before the Worker while the whole table of answers is asked for:
 * every answer is one that docs/openapi.yaml describes. HEAD and TRACE are not in it: Prism reads a body that HEAD does not
 * have, and `fetch` sends no TRACE.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'
import { createFixture } from '../support/fixture'
import { deployments, rows, type Deployment } from './responses-table'
import { readViolations, startPrism, type Prism } from './support/prism'

const names = Object.keys(deployments) as Deployment[]
const proxies = new Map<Deployment, Prism>()
let issuer: ServedIssuer
let workers: LocalWorkers

beforeAll(async () => {
  issuer = await serveIssuer()
  workers = await startWorkers({
    identity: names.map((name) => ({ name, vars: { ...issuer.vars, ...deployments[name] } })),
  })
  await Promise.all(
    names.map(async (name) => proxies.set(name, await startPrism(workers.urlOf(name)))),
  )
})

afterAll(async () => {
  for (const prism of proxies.values()) await prism.stop()
  await workers?.stop()
  await issuer?.stop()
})

test.each(rows)('$title: $status', async ({ deployment = 'usual', request, ...expected }) => {
  const prism = proxies.get(deployment)
  const fixture = await createFixture(workers.db)
  const { path, method = 'DELETE', headers = {} } = await request({ fixture, issuer })
  const response = await fetch(new URL(path, prism?.url), { method, headers })
  const body = await response.text()

  expect(readViolations(response.headers).map(({ message }) => message)).toEqual(
    expected.complaint === undefined ? [] : [expected.complaint],
  )
  expect(response.status).toBe(expected.status)
  const { error } = body === '' ? {} : (JSON.parse(body) as { error?: string })
  expect(error).toBe(expected.error)
})

test('the proxy does complain where an answer is not as described', async () => {
  const wrong = createServer((_, response) => {
    response.writeHead(404, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
    response.end(
      '{"error":"forbidden","error_description":"the requested resource does not exist"}',
    )
  })
  await new Promise<void>((resolve) => void wrong.listen(0, '127.0.0.1', resolve))
  const { port } = wrong.address() as AddressInfo
  const prism = await startPrism(new URL(`http://127.0.0.1:${port}`))
  try {
    const response = await fetch(new URL('/api/v1/organizations/o/users/u', prism.url), {
      method: 'DELETE',
      headers: { Authorization: 'Bearer token' },
    })
    await response.text()
    const complaints = readViolations(response.headers).map(({ location }) => location.join('.'))
    expect(complaints).toEqual(expect.arrayContaining(['response.body.error', 'response.header']))
  } finally {
    await prism.stop()
    wrong.closeAllConnections()
    wrong.close()
  }
})
