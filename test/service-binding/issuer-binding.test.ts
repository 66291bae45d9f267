/**
 * An issuer that is a Worker of the same zone, which a Worker cannot always fetch by its host: bound as a service, as the
 * operations page shows, it gives its keys through the binding.
 */
import { readFile } from 'node:fs/promises'
import { parse } from 'smol-toml'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createIssuer, type Issuer } from '../../dev/test-issuer.ts'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'
import { createFixture } from '../support/fixture'
import { failed } from './outcomes'
import { httpTo, deleteUserOver } from './transports'
import { buildTestWorker } from './test-workers'

let issuer: Issuer
let workers: LocalWorkers
let services: readonly { readonly binding: string; readonly service: string }[]

const JWKS_URL = 'https://issuer.example/jwks'

beforeAll(async () => {
  const page = await readFile('docs/operations.md', 'utf8')
  const [, toml = ''] = /```toml\n([^`]*"ISSUER"[^`]*)```/.exec(page) ?? []
  services = parse(toml)['services'] as unknown as typeof services
  const [binding] = services
  const { host } = new URL(JWKS_URL)
  issuer = await createIssuer()

  const serviceBindings = { [binding?.binding ?? '']: binding?.service ?? '' }
  const vars = { ...issuer.vars, JWKS_URL }
  const names = ['identity', 'plain-http', 'unbound', 'wrong-path']
  const entrypoint = 'Identity'
  workers = await startWorkers({
    identity: [
      { name: 'identity', vars, serviceBindings },
      { name: 'plain-http', vars: { ...vars, JWKS_URL: `http://${host}/jwks` }, serviceBindings },
      { name: 'unbound', vars: { ...vars, JWKS_URL: `http://${host}/jwks` } },
      { name: 'wrong-path', vars: { ...vars, JWKS_URL: `https://${host}/keys` }, serviceBindings },
    ],
    others: await Promise.all([
      buildTestWorker('issuer', {
        name: binding?.service ?? '',
        bindings: { HOST: host, JWKS: issuer.jwks() },
      }),
      buildTestWorker('caller', {
        serviceBindings: Object.fromEntries(names.map((name) => [name, { name, entrypoint }])),
      }),
    ]),
  })
})

afterAll(() => workers.stop())

async function createRequest() {
  const { target, administrator } = await createFixture(workers.db)
  const { organizationID, userID } = target
  return { token: await issuer.token(administrator.person.subject), organizationID, userID }
}

const keyRequests = (name: string) =>
  workers.log.filter((line) => line.includes('"issuer"') && line.includes(name))

test('the operations page binds the issuer as ISSUER', () => {
  expect(services.map(({ binding }) => binding)).toEqual(['ISSUER'])
})

test('through both transports a deletion needs no other way to the issuer', async () => {
  const transports = [
    httpTo(workers.urlOf('identity')),
    deleteUserOver(workers.urlOf('caller'), 'identity'),
  ]
  for (const transport of transports)
    expect(await transport(await createRequest())).toEqual({ ok: true })
  expect(keyRequests('https://').length).toBe(1)
})

test('plain HTTP is good enough within the platform, and only where the binding carries it', async () => {
  const bound = deleteUserOver(workers.urlOf('caller'), 'plain-http')
  expect(await bound(await createRequest())).toEqual({ ok: true })
  expect(keyRequests('http://').length).toBe(1)
  const unbound = deleteUserOver(workers.urlOf('caller'), 'unbound')
  expect(await unbound(await createRequest())).toEqual(failed)
  expect(workers.log.at(-1)).toContain('configuration:JWKS_URL')
})

test('an issuer that fails behind its binding is an outage, not a refusal', async () => {
  const transport = deleteUserOver(workers.urlOf('caller'), 'wrong-path')
  expect(await transport(await createRequest())).toEqual({ ...failed, retryAfter: 1 })
})
