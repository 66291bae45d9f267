/**
 * Which published key verifies a token? Where several fit, each is tried; one that may not be used, or that the runtime
 * does not take, spoils only itself.
 */
import { beforeAll, describe, expect, test } from 'vitest'
import { createKey, createWeakKey, useFor, without, type SigningKey } from '../dev/test-keys.ts'
import { ACCEPTED, createKeyHarness } from './support/worker/key-harness'

let first: SigningKey
let second: SigningKey
let third: SigningKey
let rsa: SigningKey
let weak: SigningKey

beforeAll(async () => {
  first = await createKey('ES256', 'same')
  second = await createKey('ES256', 'same')
  third = await createKey('ES256', 'same')
  rsa = await createKey('RS256')
  weak = await createWeakKey()
})

const noKeyID = { header: { kid: undefined } }

describe('several keys fit', () => {
  test.each([
    ['a token without a key ID', noKeyID],
    ['a key ID that is there more than once', {}],
  ])('%s: each is tried', async (_, changes) => {
    const { publish, present } = await createKeyHarness()
    publish(rsa.publicJWK, first.publicJWK, second.publicJWK)
    for (const key of [first, second, rsa]) {
      expect((await present({ key, ...changes })).status).toBe(ACCEPTED)
    }
  })

  test('none verifies the token: 401', async () => {
    const { publish, present } = await createKeyHarness()
    publish(first.publicJWK, second.publicJWK)
    const response = await present({ key: third })
    expect(response.status).toBe(401)
    expect(response.line.reason).toBe('jwt_signature_invalid')
  })

  test('the token is judged beyond its signature: an expired one says so', async () => {
    const { publish, present } = await createKeyHarness()
    publish(first.publicJWK, second.publicJWK)
    for (const key of [first, second]) {
      const response = await present({ key, claims: { exp: 1 } })
      expect(response.headers.get('WWW-Authenticate')).toContain('the access token expired')
      expect((await present({ key, claims: { aud: 'other' } })).status).toBe(401)
    }
  })
})

test('keys that have no ID serve tokens without one', async () => {
  const { publish, present } = await createKeyHarness()
  publish(without(first.publicJWK, 'kid'))
  expect((await present({ key: first, ...noKeyID })).status).toBe(ACCEPTED)
  expect((await present({ key: first })).status).toBe(401)
})

test('a key that names no algorithm serves each that it is fit for, in any order', async () => {
  const { publish, present } = await createKeyHarness()
  publish(without(rsa.publicJWK, 'alg'))
  const padded = await useFor('PS256', rsa)
  for (const key of [rsa, padded, padded, rsa]) {
    expect((await present({ key })).status).toBe(ACCEPTED)
  }
})

describe('a key is not used, and the others serve', () => {
  const unusable: [string, () => Promise<[published: object, signer: SigningKey]>][] = [
    ['that holds d', async () => [first.privateJWK, first]],
    ['of RSA that holds d', async () => [rsa.privateJWK, rsa]],
    ...(['p', 'q', 'dp', 'dq', 'qi'] as const).map((member): (typeof unusable)[number] => [
      `of RSA that holds ${member}`,
      async () => [{ ...rsa.publicJWK, [member]: rsa.privateJWK[member] }, rsa],
    ]),
    ['for encryption', async () => [{ ...first.publicJWK, use: 'enc' }, first]],
    [
      'whose operations lack verify',
      async () => [{ ...without(first.publicJWK, 'use'), key_ops: ['sign'] }, first],
    ],
    [
      'whose operations are no list',
      async () => [{ ...first.publicJWK, key_ops: 'verify' }, first],
    ],
    [
      'whose point is off the curve',
      async () => [{ ...first.publicJWK, y: first.publicJWK.x }, first],
    ],
    ['without a coordinate', async () => [without(first.publicJWK, 'y'), first]],
    ['with a coordinate that is no text', async () => [{ ...first.publicJWK, x: 7 }, first]],
    ['of another curve than it says', async () => [{ ...first.publicJWK, crv: 'P-384' }, first]],
    ['with the exponent 1', async () => [{ ...rsa.publicJWK, e: 'AQ' }, rsa]],
    ['without an exponent', async () => [without(rsa.publicJWK, 'e'), rsa]],
    ['of RSA with 1024 bits', async () => [weak.publicJWK, weak]],
    ['with an algorithm that is no text', async () => [{ ...first.publicJWK, alg: 7 }, first]],
  ]

  test.each(unusable)('%s', async (_, make) => {
    const [published, signer] = await make()
    const { publish, present, issuer } = await createKeyHarness()
    publish(published, issuer.keys[0].publicJWK)
    const response = await present({ key: signer })
    expect(response.status).toBe(401)
    expect((await present()).status).toBe(ACCEPTED)
  })
})
