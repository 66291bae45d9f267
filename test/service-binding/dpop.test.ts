/**
 * Tokens that are bound to a key, over the binding: the calling Worker passes on the proof that its own caller made for
 * it. Then, over both transports, tokens of a real OpenID provider and proofs of a real client.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { loadProviderSecrets } from '../../dev/provider-secrets'
import { AUDIENCE, CLI, runProvider, type RunningProvider } from '../../dev/provider'
import { callers } from '../../dev/seed-data'
import { signIn, signInServiceAccount } from '../../dev/sign-in'
import type { DeleteUserOutcome, DeleteUserRequest } from '../../src/identity'
import { pathOf } from '../support/node/client'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'
import { createClientKey, makeProof, type ClientKey } from '../support/proofs'
import { createSeed } from '../../dev/seeder.ts'
import { createFixture, type Fixture } from '../support/fixture'
import { notFound, unauthorized } from './outcomes'
import { deleteUserOver } from './transports'
import { buildDocumentedCallers, buildTestWorker } from './test-workers'

const ACCOUNT = 'a-service-account'

let folder: string
let issuer: ServedIssuer
let provider: RunningProvider
let secret: string
let workers: LocalWorkers
let fixture: Fixture
let client: ClientKey

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'identity-provider-'))
  const secrets = await loadProviderSecrets(join(folder, 'secrets.json'), [ACCOUNT])
  secret = secrets.serviceAccounts[ACCOUNT]!
  provider = await runProvider(0, secrets)
  issuer = await serveIssuer()
  client = await createClientKey()
  const real = {
    TOKEN_ISSUER: provider.issuer,
    TOKEN_AUDIENCE: AUDIENCE,
    JWKS_URL: provider.jwksURL,
    DPOP: 'require',
  }
  const names = ['accept', 'require', 'off']
  const bindings = names.map((name) => [name, { name, entrypoint: 'Identity' }] as const)
  const serviceBindings = Object.fromEntries(bindings)
  workers = await startWorkers({
    identity: [
      { name: 'accept', vars: { ...issuer.vars, DPOP: 'accept' } },
      { name: 'require', vars: { ...issuer.vars, DPOP: 'require' } },
      { name: 'off', vars: { ...issuer.vars } },
      { name: 'identity', vars: real },
    ],
    others: [
      await buildTestWorker('caller', { serviceBindings }),
      ...(await buildDocumentedCallers()),
    ],
  })
  fixture = await createFixture(workers.db)
  const seed = createSeed()
  seed.organization('acme')
  const administrators = seed.group('acme', ['administrator'])
  const personOptions = { subject: callers.administrator }
  seed.member('acme', { personOptions, groups: [administrators] })
  seed.serviceAccount('acme', [administrators], ACCOUNT)
  await seed.save(workers.db)
})

afterAll(async () => {
  await workers.stop()
  await provider.stop()
  await issuer.stop()
  await rm(folder, { recursive: true })
})

const htu = (text: string) => ({ claims: { htu: text } })

describe('the field dpop', () => {
  const url = 'https://caller.example/people/u'
  type Field = DeleteUserRequest['dpop']
  type Change = { readonly claims?: Record<string, unknown>; readonly cnf?: unknown }

  test.each<[string, string, Partial<Field> & Change, string?]>([
    ['accept', 'a proof for the URL', {}],
    ['require', 'a proof for the URL', {}],
    [
      'accept',
      'another method, if the proof names it',
      { method: 'POST', claims: { htm: 'POST' } },
    ],
    ['accept', 'any path', { url: `${url}//`, ...htu(`${url}//`) }],
    ['accept', 'query and fragment', { url: `${url}?a#b`, ...htu(`${url}?c`) }],
    ['accept', 'two ways to write the URL', { url: 'HTTPS://CALLER.example:443/x/../people/u' }],
    ['accept', 'user information in the URL alone', { url: url.replace('//', '//user@') }],
    ['accept', 'a URL of another scheme', { url: 'app://x/y', ...htu('app://x/y') }],

    ['accept', 'another method', { method: 'POST' }, 'dpop_request_mismatch'],
    ['accept', 'the method in lower case', { method: 'delete' }, 'dpop_request_mismatch'],
    ['accept', 'another path', { url: `${url}/` }, 'dpop_request_mismatch'],
    ['accept', 'an escape of the path', htu(url.replace('u', '%75')), 'dpop_request_mismatch'],
    ['accept', 'another host', { url: 'https://other.example/people/u' }, 'dpop_request_mismatch'],
    ['accept', 'another port', { url: url.replace('/p', ':8443/p') }, 'dpop_request_mismatch'],
    ['accept', 'http', { url: url.replace('https', 'http') }, 'dpop_request_mismatch'],
    ['accept', 'user information', htu(url.replace('//', '//user@')), 'dpop_request_mismatch'],
    ['accept', 'no URL', { url: '/people/u', ...htu('/people/u') }, 'dpop_request_mismatch'],
    ['accept', 'no URL at all', { url: '', ...htu('') }, 'dpop_request_mismatch'],
    [
      'accept',
      'another host of another scheme',
      { url: 'app://x/y', ...htu('app://z/y') },
      'dpop_request_mismatch',
    ],
    ['accept', 'no proof', { proof: '' }, 'dpop_missing'],
    ['accept', 'a text that is no proof', { proof: 'x' }, 'dpop_malformed'],
    ['accept', 'two proofs', { proof: 'a.b.c, a.b.c' }, 'dpop_malformed'],
    ['accept', 'an unbound token', { cnf: undefined }, 'dpop_token_mismatch'],
    ['require', 'an unbound token', { cnf: undefined }, 'dpop_required'],
    ['accept', 'a token bound in another way', { cnf: { jwk: {} } }, 'jwt_sender_constrained'],
    ['off', 'a proof for the URL', {}, 'jwt_sender_constrained'],
  ])('DPOP %s, %s: %4$s', async (mode, _, { claims = {}, ...what }, reason) => {
    const cnf = 'cnf' in what ? what.cnf : { jkt: client.jkt }
    const token = await issuer.token(fixture.administrator.person.subject, { claims: { cnf } })
    const proof = await makeProof(client, { url, token }, { claims })
    const dpop = { proof, method: 'DELETE', url, ...what }
    const { outcome, line } = await callOver(mode, { token, dpop })
    expect(line['reason']).toBe(reason ?? 'user_not_found')
    expect(outcome).toEqual(reason === undefined ? notFound : unauthorized)
  })

  test.each([
    ['accept', { jkt: 'x' }, 'dpop_missing'],
    ['accept', undefined, 'user_not_found'],
    ['require', undefined, 'dpop_required'],
    ['off', { jkt: 'x' }, 'jwt_sender_constrained'],
  ])('DPOP %s: without it, a token with cnf %j gets %s', async (mode, cnf, reason) => {
    const token = await issuer.token(fixture.administrator.person.subject, { claims: { cnf } })
    expect((await callOver(mode, { token })).line['reason']).toBe(reason)
  })
})

/** Calls with the IDs of an absent user. */
async function callOver(
  binding: string,
  request: Pick<DeleteUserRequest, 'token' | 'dpop'>,
): Promise<{ outcome: DeleteUserOutcome; line: Record<string, unknown> }> {
  const requestID = crypto.randomUUID()
  const { organizationID } = fixture
  const call = deleteUserOver(workers.urlOf('caller'), binding)
  const outcome = await call({ organizationID, userID: 'absent', requestID, ...request })
  const text = await vi.waitFor(() => workers.log.find((line) => line.includes(requestID))!)
  return { outcome, line: JSON.parse(text) as Record<string, unknown> }
}

describe.each([
  ['HTTP', 'identity', (userID: string) => pathOf('acme', userID), 'DELETE'],
  ['the binding', 'documented-dpop-caller', (userID: string) => `/people/${userID}`, 'POST'],
])('a real provider and a real client, over %s', (_, name, toPath, method) => {
  const keys: Record<string, CryptoKeyPair> = {}

  beforeAll(async () => {
    for (const owner of ['client', 'thief']) keys[owner] = await openid.randomDPoPKeyPair('ES256')
  })

  /** Calls for a new user with a token, and the key of the client or of a thief, or none. */
  async function removeSomebody(token: string, keyPair?: CryptoKeyPair): Promise<Response> {
    const seed = createSeed()
    const { userID } = seed.member('acme')
    await seed.save(workers.db)
    const url = new URL(toPath(userID), workers.urlOf(name))
    const insecure = { execute: [openid.allowInsecureRequests] }
    const config = await openid.discovery(
      new URL(provider.issuer),
      CLI.clientID,
      undefined,
      undefined,
      insecure,
    )
    const DPoP = keyPair && openid.getDPoPHandle(config, keyPair)
    const headers = new Headers()
    const options = DPoP && { DPoP }
    const call = openid.fetchProtectedResource(config, token, url, method, null, headers, options)
    return call.catch((error: unknown) => {
      if (error instanceof openid.WWWAuthenticateChallengeError) return error.response
      throw error
    })
  }

  test.each([
    ['a person', () => signIn(provider.issuer, callers.administrator, CLI, keys['client'])],
    [
      'a service account',
      () => signInServiceAccount(provider.issuer, ACCOUNT, secret, keys['client']),
    ],
  ])('%s deletes users with its key, and nobody with the token alone', async (_who, getToken) => {
    const token = await getToken()
    expect((await removeSomebody(token, keys['client'])).status).toBe(200)
    expect((await removeSomebody(token, keys['client'])).status).toBe(200)
    expect((await removeSomebody(token)).status).toBe(401)
    expect((await removeSomebody(token, keys['thief'])).status).toBe(401)
  })

  test('a token that the provider did not bind is refused', async () => {
    const token = await signIn(provider.issuer, callers.administrator)
    expect((await removeSomebody(token)).status).toBe(401)
    expect((await removeSomebody(token, keys['client'])).status).toBe(401)
  })
})
