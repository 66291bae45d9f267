import { afterAll, beforeAll, expect, test } from 'vitest'
import { call } from '../support/node/client'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'
import { createWorld } from '../support/world'

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

test('an administrator deletes a user over a real socket', async () => {
  const world = await createWorld(workers.db)
  const token = await issuer.token(world.administrator.person.subject)
  expect((await call(workers.url, { ...world.target, token })).status).toBe(200)
  expect((await call(workers.url, { ...world.target, token })).status).toBe(404)
  expect(issuer.endpoint.requests.length).toBe(1)
  expect(workers.log.length).toBe(2)
})
