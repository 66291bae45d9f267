/**
 * The keys as deployed: isolates that share one Cache API, and a service binding to the issuer. test/keys-*.test.ts have
 * the rest, test/faults/key-faults.test.ts has the issuer's faults over sockets.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call } from '../support/node/client'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'

let issuer: ServedIssuer
let workers: LocalWorkers

beforeAll(async () => {
  issuer = await serveIssuer()
  const { vars } = issuer
  workers = await startWorkers({
    identity: [
      { name: 'first', vars: { ...vars } },
      { name: 'second', vars: { ...vars } },
      {
        name: 'bound',
        vars: { ...vars, JWKS_URL: 'http://issuer.internal/bound' },
        serviceBindings: { ISSUER: 'issuer' },
      },
    ],
    others: [
      {
        name: 'issuer',
        modules: true,
        compatibilityDate: '2026-10-01',
        script: `export default { fetch: (request) => fetch(new URL(new URL(request.url).pathname, ${JSON.stringify(vars.JWKS_URL)})) }`,
      },
    ],
  })
})

afterAll(async () => {
  await workers.stop()
  await issuer.stop()
})

/** Checks that a Worker accepts a token: its subject is then looked for in the database, which is empty. */
async function expectAccepted(worker: string): Promise<void> {
  const token = await issuer.token('a stranger')
  await call(workers.urlOf(worker), { organizationID: 'o', userID: 'u', token })
  expect(JSON.parse(workers.log.at(-1) ?? '{}')).toMatchObject({ reason: 'caller_unknown' })
}

const listFetches = (path: string) =>
  issuer.endpoint.requests.filter(({ url }) => new URL(url).pathname === path)

test('two isolates of one location fetch the keys once', async () => {
  await expectAccepted('first')
  await expectAccepted('second')
  expect(listFetches('/jwks')).toHaveLength(1)
})

test('the issuer can be bound as a service', async () => {
  await expectAccepted('bound')
  expect(listFetches('/bound')).toHaveLength(1)
})
