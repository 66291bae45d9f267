/**
 * Which published key verifies a token. If several fit, each is tried. A key that must not be used, or that the runtime
 * does not import, affects no other key.
 */
import { describe, expect, test } from 'vitest'
import { createKey, createWeakKey, useFor, without, type SigningKey } from '../dev/test-keys.ts'
import { withBody } from './support/jwks-responders'
import type { Vars } from './support/worker/caller'
import { createHarness, VALID, type Harness } from './support/worker/harness'

const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'EdDSA', 'Ed25519'] as const
const NO_MATCH = '401 jwt_unknown_key'

const [first, second, third] = await Promise.all([
  createKey('ES256', 'same'),
  createKey('ES256', 'same'),
  createKey('ES256', 'same'),
])
const rsa = await createKey('RS256')
const rsaForPSS = await useFor('PS256', rsa)
const eddsa = await createKey('EdDSA')
const ed25519 = await useFor('Ed25519', eddsa)
const weak = await createWeakKey()
const noKeyID = { header: { kid: undefined } }

/** Creates a harness whose issuer publishes these keys. */
async function publish(keys: readonly object[], vars: Vars = {}): Promise<Harness> {
  const harness = await createHarness({ vars })
  harness.issuer.endpoint.respond = withBody(JSON.stringify({ keys }))
  return harness
}

test.each(ALGORITHMS)('verifies %s, unless TOKEN_ALGORITHMS excludes it', async (algorithm) => {
  const key = await createKey(algorithm)
  const other = algorithm === 'ES256' ? rsa : first
  const published = [without(key.publicJWK, 'alg'), other.publicJWK]
  const TOKEN_ALGORITHMS = ALGORITHMS.filter((name) => name !== algorithm).join()
  const judges = [
    await publish([key.publicJWK]),
    await publish(published),
    await publish(published, { TOKEN_ALGORITHMS }),
  ]
  const outcomes = await Promise.all(judges.map(({ judge }) => judge({ key })))
  expect(outcomes).toEqual([VALID, VALID, '401 jwt_algorithm_not_allowed'])
})

test('does not verify RS384', async () => {
  const key = await createKey('RS384')
  const { judge } = await publish([without(key.publicJWK, 'alg'), first.publicJWK])
  expect(await judge({ key })).toBe('401 jwt_algorithm_not_allowed')
})

describe('if several keys fit', () => {
  test.each([
    ['a token without a key ID', noKeyID],
    ['a key ID that is published twice', {}],
  ])('each is tried: %s', async (_, changes) => {
    const { judge } = await publish([rsa.publicJWK, first.publicJWK, second.publicJWK])
    for (const key of [first, second, rsa]) expect(await judge({ key, ...changes })).toBe(VALID)
  })

  test('the reason comes from the key that verifies the signature', async () => {
    const { judge } = await publish([first.publicJWK, second.publicJWK])
    const expired = { claims: { exp: 1 } }
    expect(await judge({ key: third, ...expired })).toBe('401 jwt_signature_invalid')
    for (const key of [first, second]) {
      expect(await judge({ key, ...expired })).toBe('401 jwt_expired')
      expect(await judge({ key, claims: { aud: 'x' } })).toBe('401 jwt_audience_mismatch')
    }
  })
})

test('a key without an ID verifies tokens without one', async () => {
  const { judge } = await publish([without(first.publicJWK, 'kid')])
  expect(await judge({ key: first, ...noKeyID })).toBe(VALID)
  expect(await judge({ key: first })).toBe(NO_MATCH)
})

test('a key without `alg` verifies each algorithm of its type, in any order', async () => {
  const { judge } = await publish([without(rsa.publicJWK, 'alg')])
  for (const key of [rsa, rsaForPSS, rsaForPSS, rsa]) expect(await judge({ key })).toBe(VALID)
})

describe('ignores a key, and no other one,', () => {
  const ec = first.publicJWK
  test.each<[title: string, published: object, signer: SigningKey]>([
    ['that holds d', first.privateJWK, first],
    ['of RSA that holds d', rsa.privateJWK, rsa],
    ...(['p', 'q', 'dp', 'dq', 'qi'] as const).map((member): [string, object, SigningKey] => [
      `of RSA that holds ${member}`,
      { ...rsa.publicJWK, [member]: rsa.privateJWK[member] },
      rsa,
    ]),
    ['for encryption', { ...ec, use: 'enc' }, first],
    ['whose operations lack verify', { ...without(ec, 'use'), key_ops: ['sign'] }, first],
    ['whose operations are no list', { ...ec, key_ops: 'verify' }, first],
    ['whose point is off the curve', { ...ec, y: ec.x }, first],
    ['without a coordinate', without(ec, 'y'), first],
    ['with a coordinate that is no text', { ...ec, x: 7 }, first],
    ['of another curve than it says', { ...ec, crv: 'P-384' }, first],
    ['with the exponent 1', { ...rsa.publicJWK, e: 'AQ' }, rsa],
    ['without an exponent', without(rsa.publicJWK, 'e'), rsa],
    ['of RSA with 1,024 bits', weak.publicJWK, weak],
    ['with an algorithm that is no text', { ...ec, alg: 7 }, first],
    ['for PS256 at RS256', rsaForPSS.publicJWK, rsa],
    ['for RS256 at PS256', rsa.publicJWK, rsaForPSS],
    ['for Ed25519 at EdDSA', ed25519.publicJWK, eddsa],
    ['for EdDSA at Ed25519', eddsa.publicJWK, ed25519],
    ['for rs256', { ...rsa.publicJWK, alg: 'rs256' }, rsa],
    ['for RS256 and a space', { ...rsa.publicJWK, alg: 'RS256 ' }, rsa],
  ])('%s', async (_, published, key) => {
    const { judge, issuer } = await createHarness()
    const keys = [published, issuer.keys[0].publicJWK]
    issuer.endpoint.respond = withBody(JSON.stringify({ keys }))
    expect([await judge({ key }), await judge({})]).toEqual([NO_MATCH, VALID])
  })
})
