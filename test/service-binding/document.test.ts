/**
 * The lines of README.md that a Worker pastes to call this one: run as they are, they remove a user.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'
import { createSeed } from '../../dev/seeder.ts'
import { buildDocumentedCallers } from './test-workers'

let issuer: ServedIssuer
let workers: LocalWorkers

beforeAll(async () => {
  issuer = await serveIssuer()
  workers = await startWorkers({
    identity: [{ vars: { ...issuer.vars } }],
    others: await buildDocumentedCallers(),
  })
  const seed = createSeed()
  seed.organization('acme')
  const administrators = seed.group('acme', ['administrator'])
  seed.member('acme', { personOptions: { subject: 'an-administrator' }, groups: [administrators] })
  seed.member('acme', { personOptions: { subject: 'a-member' } })
  seed.member('acme', { id: 'acme-bob' })
  await seed.save(workers.db)
})

afterAll(async () => {
  await workers.stop()
  await issuer.stop()
})

async function ask(headers: Record<string, string>): Promise<[status: number, body: string]> {
  const response = await fetch(workers.urlOf('documented-caller'), { headers })
  return [response.status, await response.text()]
}

const bearer = async (subject: string) => ({
  Authorization: `bearer  ${await issuer.token(subject)}`,
})

test('without a token, or with one that may not, they remove nobody', async () => {
  expect(await ask({})).toEqual([401, 'authentication failed'])
  const forbidden = 'user credentials do not have the required privileges'
  expect(await ask(await bearer('a-member'))).toEqual([403, forbidden])
})

test("with an administrator's token they remove the user, once", async () => {
  expect(await ask(await bearer('an-administrator'))).toEqual([200, 'removed'])
  const notFound = 'the requested resource does not exist'
  expect(await ask(await bearer('an-administrator'))).toEqual([404, notFound])
})
