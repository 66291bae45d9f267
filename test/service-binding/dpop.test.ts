/**
 * Tokens that are bound to a key (DPoP), over the binding: the calling Worker passes on the proof of its own caller. Then,
 * over both transports, tokens of a real OpenID provider and proofs of a real client.
 */
import { join } from 'node:path'
import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { AUDIENCE, CLI, runProvider } from '../../dev/provider'
import { loadProviderSecrets } from '../../dev/provider-secrets'
import { callers } from '../../dev/seed-data'
import { createSeed } from '../../dev/seeder.ts'
import { signIn, signInServiceAccount } from '../../dev/sign-in'
import { createFixture } from '../support/fixture'
import { pathOf } from '../support/node/client'
import { createFolder } from '../support/node/folder'
import { startWithIssuer } from '../support/node/local-workers'
import { createClientKey, makeProof } from '../support/proofs'
import { notFound, unauthorized } from './outcomes'
import { bindTo, buildDocumentedCallers, buildTestWorker } from './test-workers'
import { deleteUserOver } from './transports'

const ACCOUNT = 'a-service-account'

const secretsFile = join(await createFolder(), 'secrets.json')
const secrets = await loadProviderSecrets(secretsFile, [ACCOUNT])
const secret = secrets.serviceAccounts[ACCOUNT]!
const provider = await runProvider(0, secrets)
const real = {
  TOKEN_ISSUER: provider.issuer,
  TOKEN_AUDIENCE: AUDIENCE,
  JWKS_URL: provider.jwksURL,
  DPOP: 'require',
}
const workers = await startWithIssuer(async () => ({
  identity: [
    { name: 'accept', vars: { DPOP: 'accept' } },
    { name: 'require', vars: { DPOP: 'require' } },
    { name: 'off' },
    { name: 'identity', vars: real },
  ],
  others: [
    await buildTestWorker('caller', bindTo('accept', 'require', 'off')),
    ...(await buildDocumentedCallers()),
  ],
}))
const { issuer } = workers
afterAll(() => Promise.all([workers.stop(), provider.stop()]))

const client = await createClientKey()
const fixture = await createFixture(workers.db)
const seed = createSeed()
seed.organization('acme')
const administrators = seed.group('acme', ['administrator'])
const personOptions = { subject: callers.administrator }
seed.member('acme', { personOptions, groups: [administrators] })
seed.serviceAccount('acme', [administrators], ACCOUNT)
await seed.save(workers.db)

const htu = (text: string) => ({ claims: { htu: text } })

describe('the field dpop', () => {
  const url = 'https://caller.example/people/u'
  /** Changes to a valid proof for a bound token; `proof: null` omits the field. */
  interface Change {
    readonly proof?: string | null
    readonly method?: string
    readonly url?: string
    readonly claims?: Record<string, unknown>
    readonly cnf?: unknown
  }
  const unbound: Change = { cnf: undefined }
  const accepted = 'user_not_found'
  const mismatch = 'dpop_request_mismatch'
  const constrained = 'jwt_sender_constrained'

  test.each<[mode: string, reason: string, title: string, change: Change]>([
    ['accept', accepted, 'a proof for the URL', {}],
    ['require', accepted, 'a proof for the URL', {}],
    ['accept', accepted, 'a proof for another method', { method: 'POST', claims: { htm: 'POST' } }],
    ['accept', accepted, 'any path', { url: `${url}//`, ...htu(`${url}//`) }],
    ['accept', accepted, 'query and fragment', { url: `${url}?a#b`, ...htu(`${url}?c`) }],
    ['accept', accepted, 'an equal URL', { url: 'HTTPS://CALLER.example:443/x/../people/u' }],
    ['accept', accepted, 'user information', { url: url.replace('//', '//user@') }],
    ['accept', accepted, 'a URL of another scheme', { url: 'app://x/y', ...htu('app://x/y') }],
    ['accept', accepted, 'an unbound token without a proof', { ...unbound, proof: null }],
    ['accept', mismatch, 'another method', { method: 'POST' }],
    ['accept', mismatch, 'the method in lower case', { method: 'delete' }],
    ['accept', mismatch, 'another path', { url: `${url}/` }],
    ['accept', mismatch, 'an escape in the path', htu(url.replace('u', '%75'))],
    ['accept', mismatch, 'another host', { url: url.replace('caller', 'other') }],
    ['accept', mismatch, 'another port', { url: url.replace('/p', ':8443/p') }],
    ['accept', mismatch, 'http', { url: url.replace('https', 'http') }],
    ['accept', mismatch, 'user information in htu', htu(url.replace('//', '//user@'))],
    ['accept', mismatch, 'a path as URL', { url: '/people/u', ...htu('/people/u') }],
    ['accept', mismatch, 'an empty URL', { url: '', ...htu('') }],
    ['accept', mismatch, 'another app host', { url: 'app://x/y', ...htu('app://z/y') }],
    ['accept', 'dpop_missing', 'an empty proof', { proof: '' }],
    ['accept', 'dpop_missing', 'a bound token without a proof', { proof: null }],
    ['accept', 'dpop_malformed', 'a proof that is not a JWT', { proof: 'x' }],
    ['accept', 'dpop_token_mismatch', 'an unbound token', unbound],
    ['require', 'dpop_required', 'an unbound token', unbound],
    ['require', 'dpop_required', 'an unbound token without a proof', { ...unbound, proof: null }],
    ['accept', constrained, 'a token bound in another way', { cnf: { jwk: {} } }],
    ['off', constrained, 'a proof for the URL', {}],
    ['off', constrained, 'a bound token without a proof', { proof: null }],
  ])('DPOP %s gives %s for %s', async (mode, reason, _, change) => {
    const { proof, claims = {}, cnf, ...named } = { cnf: { jkt: client.jkt }, ...change }
    const token = await issuer.token(fixture.administrator.person.subject, { claims: { cnf } })
    const made = await makeProof(client, { url, token }, { claims })
    const dpop = { proof: proof ?? made, method: 'DELETE', url, ...named }
    const requestID = crypto.randomUUID()
    const { organizationID } = fixture
    const request = { token, organizationID, userID: 'absent', requestID }
    const call = deleteUserOver(workers.urlOf('caller'), mode)
    const outcome = await call(proof === null ? request : { ...request, dpop })
    expect(outcome).toEqual(reason === accepted ? notFound : unauthorized)
    const text = await vi.waitFor(() => workers.log.find((line) => line.includes(requestID))!)
    expect(JSON.parse(text)).toMatchObject({ reason })
  })
})

describe.each([
  ['HTTP', 'identity', (userID: string) => pathOf('acme', userID), 'DELETE'],
  ['the binding', 'documented-dpop-caller', (userID: string) => `/people/${userID}`, 'POST'],
])('over %s, with a real provider and a real client', (_, name, toPath, method) => {
  let config: openid.Configuration
  let key: CryptoKeyPair
  let otherKey: CryptoKeyPair

  beforeAll(async () => {
    const insecure = { execute: [openid.allowInsecureRequests] }
    const { issuer } = provider
    config = await openid.discovery(new URL(issuer), CLI, undefined, undefined, insecure)
    key = await openid.randomDPoPKeyPair('ES256')
    otherKey = await openid.randomDPoPKeyPair('ES256')
  })

  /** The status of a call for a new user, with a proof by a key if there is one. */
  async function remove(token: string, keyPair?: CryptoKeyPair): Promise<number> {
    const seed = createSeed()
    const { userID } = seed.member('acme')
    await seed.save(workers.db)
    const url = new URL(toPath(userID), workers.urlOf(name))
    const options = keyPair && { DPoP: openid.getDPoPHandle(config, keyPair) }
    const headers = new Headers()
    const call = openid.fetchProtectedResource(config, token, url, method, null, headers, options)
    const response = await call.catch((error: unknown) => {
      if (error instanceof openid.WWWAuthenticateChallengeError) return error.response
      throw error
    })
    return response.status
  }

  test.each([
    ['a person', () => signIn(provider.issuer, callers.administrator, CLI, key)],
    ['a service account', () => signInServiceAccount(provider.issuer, ACCOUNT, secret, key)],
  ])('%s deletes users only with its key', async (_who, getToken) => {
    const token = await getToken()
    expect(await remove(token, key)).toBe(200)
    expect(await remove(token, key)).toBe(200)
    expect(await remove(token)).toBe(401)
    expect(await remove(token, otherKey)).toBe(401)
  })

  test('DPOP require rejects a token that the provider did not bind', async () => {
    const token = await signIn(provider.issuer, callers.administrator)
    expect(await remove(token)).toBe(401)
    expect(await remove(token, key)).toBe(401)
  })
})
