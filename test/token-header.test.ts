/**
 * Which header makes a token good: its algorithm and the key it is verified with, its type, and what it may ask for.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { createKey, without, type KeyAlgorithm, type SigningKey } from '../dev/test-keys.ts'
import type { TokenChanges } from '../dev/test-issuer.ts'
import { withBody } from './support/jwks-responders'
import type { CallResponse } from './support/worker/caller'
import { ACCEPTED } from './support/worker/key-harness'
import { createHarness, type HarnessOptions } from './support/worker/harness'

const ALLOWED = ['ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'EdDSA', 'Ed25519'] as const

const keys = new Map<KeyAlgorithm, SigningKey>()
const keyOf = (algorithm: KeyAlgorithm): SigningKey => keys.get(algorithm)!

beforeAll(async () => {
  for (const algorithm of [...ALLOWED, 'RS384'] as const) {
    keys.set(algorithm, await createKey(algorithm))
  }
})

/** Presents a token to a Worker whose issuer publishes these keys. */
async function present(
  published: readonly object[],
  changes: TokenChanges,
  options: HarnessOptions = {},
): Promise<CallResponse> {
  const { issuer, callWith, fixture } = await createHarness(options)
  issuer.endpoint.respond = withBody(JSON.stringify({ keys: published }))
  return callWith(changes, { organizationID: fixture.organizationID, userID: 'no-such-user' })
}

describe('the algorithm', () => {
  test.each(ALLOWED)('%s is allowed', async (algorithm) => {
    const key = keyOf(algorithm)
    expect((await present([key.publicJWK], { key })).status).toBe(ACCEPTED)
  })

  test.each(ALLOWED)('%s is allowed for a key that names no algorithm', async (algorithm) => {
    const key = keyOf(algorithm)
    expect((await present([without(key.publicJWK, 'alg')], { key })).status).toBe(ACCEPTED)
  })

  test.each(ALLOWED)('%s is refused where the configuration leaves it out', async (algorithm) => {
    const key = keyOf(algorithm)
    const others = ALLOWED.filter((other) => other !== algorithm)
    const vars = { TOKEN_ALGORITHMS: others.join() }
    const published = [without(key.publicJWK, 'alg'), keyOf(others[0]!).publicJWK]
    const response = await present(published, { key }, { vars })
    expect(response.status).toBe(401)
    expect(response.line.reason).toBe('jwt_algorithm_not_allowed')
  })

  test.each(['none', 'None', 'HS256', 'HS512', 'RS384', 'ES256K', 'es256', 'dir', 'RSA-OAEP'])(
    '%s is none that can sign a token',
    async (alg) => {
      const key = keyOf('RS384')
      const published = [key.publicJWK, keyOf('ES256').publicJWK]
      expect((await present(published, { key, header: { alg } })).status).toBe(401)
    },
  )

  test('none with an empty signature is refused', async () => {
    const { issuer, call, fixture } = await createHarness()
    const header = { alg: 'none', kid: undefined }
    const token = await issuer.token(fixture.administrator.person.subject, {
      header,
      sign: async () => new Uint8Array(),
    })
    expect(token.endsWith('.')).toBe(true)
    expect((await call({ ...fixture.target, token })).status).toBe(401)
  })

  test.each([5, null, ['ES256'], {}, ''])('cannot be %j', async (alg) => {
    const key = keyOf('ES256')
    expect((await present([key.publicJWK], { key, header: { alg } })).status).toBe(401)
  })

  test('HS256 with the published key as the secret is refused', async () => {
    const key = keyOf('RS256')
    const secret = new TextEncoder().encode(JSON.stringify(key.publicJWK))
    const hmac = { name: 'HMAC', hash: 'SHA-256' }
    const secretKey = await crypto.subtle.importKey('raw', secret, hmac, false, ['sign'])
    const sign = async (input: string) =>
      new Uint8Array(await crypto.subtle.sign(hmac, secretKey, new TextEncoder().encode(input)))
    const published = [without(key.publicJWK, 'alg'), { kty: 'oct', k: 'c2VjcmV0', kid: 'oct' }]
    const response = await present(published, { key, header: { alg: 'HS256' }, sign })
    expect(response.status).toBe(401)
  })
})

describe('a key that names its algorithm', () => {
  const cases: [named: string, used: KeyAlgorithm][] = [
    ['PS256', 'RS256'],
    ['RS256', 'PS256'],
    ['EdDSA', 'Ed25519'],
    ['Ed25519', 'EdDSA'],
    ['rs256', 'RS256'],
    ['RS256 ', 'RS256'],
  ]
  test.each(cases)('%j, as text, is not used for %s', async (named, used) => {
    const key = keyOf(used)
    const published = [{ ...key.publicJWK, alg: named }, keyOf('ES256').publicJWK]
    expect((await present(published, { key })).status).toBe(401)
  })
})

function withType(typ: unknown, TOKEN_TYPE?: string): Promise<CallResponse> {
  const key = keyOf('ES256')
  return present([key.publicJWK], { key, header: { typ } }, { vars: { TOKEN_TYPE } })
}

describe('the type', () => {
  test.each(['at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/At+JWT'])(
    '%s is the default one, as a media type',
    async (typ) => {
      expect((await withType(typ)).status).toBe(ACCEPTED)
    },
  )

  test.each([undefined, null, 5, '', 'JWT', 'jwt', 'at', 'at+jwt ', 'text/at+jwt', ['at+jwt']])(
    '%j is none that stands for an access token',
    async (typ) => {
      const response = await withType(typ)
      expect(response.status).toBe(401)
      expect(response.line.reason).toBe('jwt_type_mismatch')
    },
  )

  test.each([
    ['JWT', 'JWT', ACCEPTED],
    ['JWT', 'jwt', ACCEPTED],
    ['JWT', 'application/jwt', ACCEPTED],
    ['JWT', 'at+jwt', 401],
    ['JWT', undefined, 401],
    ['application/at+jwt', 'at+jwt', ACCEPTED],
    ['vnd.example+jwt', 'at+jwt', 401],
    ['none', undefined, ACCEPTED],
    ['none', 'at+jwt', 401],
    ['none', 'JWT', 401],
    ['none', 'none', 401],
    ['none', '', 401],
    ['none', null, 401],
  ])('where the configuration says %s, %j gets %i', async (TOKEN_TYPE, typ, status) => {
    expect((await withType(typ, TOKEN_TYPE)).status).toBe(status)
  })
})

describe('what a header asks for beside', () => {
  test.each([
    ['jku', { jku: 'https://attacker.example/jwks' }],
    ['x5u', { x5u: 'https://attacker.example/certificate' }],
  ])('%s is never fetched', async (_, header) => {
    const attacker = await createKey('ES256')
    const { issuer, callWith } = await createHarness()
    const own = await callWith({ header })
    expect(own.status).toBe(200)
    const forged = await callWith({ header, key: attacker })
    expect(forged.status).toBe(401)
    const urls = issuer.endpoint.requests.map(({ url }) => url)
    expect(new Set(urls)).toEqual(new Set([issuer.vars.JWKS_URL]))
    expect(fetch).toHaveBeenCalledTimes(urls.length)
  })

  test('jwk is never used as the key', async () => {
    const attacker = await createKey('ES256')
    const { callWith, issuer } = await createHarness()
    const header = { jwk: attacker.publicJWK, kid: issuer.keys[0].kid }
    const response = await callWith({ key: attacker, header })
    expect(response.line.reason).toBe('jwt_signature_invalid')
  })

  test.each([
    [{ crit: ['exp'], exp: 1 }],
    [{ crit: ['b64'], b64: false }],
    [{ crit: ['urn:example:unknown'], 'urn:example:unknown': true }],
    [{ crit: ['missing'] }],
    [{ crit: [] }],
    [{ crit: 'exp', exp: 1 }],
    [{ crit: null }],
  ])('an extension that is not understood is refused: %j', async (header) => {
    const { callWith } = await createHarness()
    expect((await callWith({ header })).status).toBe(401)
  })

  test.each(['[]', '"x"', 'null', '', '{', '{"alg":"ES256"'])(
    'the header text %j is malformed',
    async (headerText) => {
      const { callWith } = await createHarness()
      expect((await callWith({ headerText })).status).toBe(401)
    },
  )
})

test('a changed payload or header is refused', async () => {
  const { token, call, fixture } = await createHarness()
  const [header = '', payload = '', signature = ''] = (await token(fixture.administrator)).split(
    '.',
  )
  const [otherHeader = '', otherPayload = ''] = (
    await token(fixture.auditor, { header: { x: 1 } })
  ).split('.')
  for (const forged of [
    `${header}.${otherPayload}.${signature}`,
    `${otherHeader}.${payload}.${signature}`,
    `${header}.${payload}.${signature.slice(0, -4)}AAAA`,
  ]) {
    expect((await call({ ...fixture.target, token: forged })).status).toBe(401)
  }
  expect(
    (await call({ ...fixture.target, token: `${header}.${payload}.${signature}` })).status,
  ).toBe(200)
})
