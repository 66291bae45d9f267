/**
 * Which answer of the issuer is good? What is within the limits serves; whatever is not leaves an isolate without keys
 * where it was, and never replaces good ones.
 */
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { createKey, createWeakKey, type SigningKey } from '../dev/test-keys.ts'
import {
  breakConnection,
  hang,
  hangInBody,
  redirectTo,
  withBody,
  withStatus,
  type JwksResponder,
} from './support/jwks-responders'
import { MINUTE, passTime, stopClock } from './support/worker/clock'
import { ACCEPTED, createKeyHarness } from './support/worker/key-harness'

const MAX_BYTES = 65_536
let key: SigningKey
let other: SigningKey
let unsupported: SigningKey
let weak: SigningKey

beforeAll(async () => {
  key = await createKey('ES256')
  other = await createKey('ES384')
  unsupported = await createKey('RS384')
  weak = await createWeakKey()
})

const set = (...keys: readonly unknown[]): string => JSON.stringify({ keys })

const unusable = (length: number) => Array.from({ length }, () => ({}))

/** A good JWK Set of exactly so many bytes, multi-byte letters among them. */
function ofSize(bytes: number): string {
  const text = JSON.stringify({ note: 'ë', keys: [key.publicJWK] })
  const length = new TextEncoder().encode(text).byteLength
  return text.replace('"note":"', `"note":"${'x'.repeat(bytes - length)}`)
}

function withStrayByte(): JwksResponder {
  const bytes = new TextEncoder().encode(JSON.stringify({ note: '?', keys: [key.publicJWK] }))
  return withBody(bytes.with(bytes.indexOf('?'.charCodeAt(0)), 0xff))
}

describe('an answer is good', () => {
  test.each<[string, () => JwksResponder]>([
    ['with a byte order mark before it', () => withBody(`\uFEFF${set(key.publicJWK)}`)],
    ['with white space around it', () => withBody(` \r\n\t${set(key.publicJWK)}\n`)],
    [
      'of any type that it claims',
      () => withBody(set(key.publicJWK), { headers: { 'Content-Type': 'text/html' } }),
    ],
    ['of no type', () => withBody(new TextEncoder().encode(set(key.publicJWK)), { headers: {} })],
    ['of 64 KiB', () => withBody(ofSize(MAX_BYTES))],
    ['with 100 keys', () => withBody(set(...unusable(99), key.publicJWK))],
    [
      'with members beside the keys',
      () => withBody(JSON.stringify({ x: 1, keys: [key.publicJWK] })),
    ],
    [
      'with keys that cannot be used beside it',
      () =>
        withBody(
          set({}, { kty: 'XYZ' }, { kty: 'EC', crv: 'P-256' }, unsupported.publicJWK, {
            ...key.publicJWK,
            x5c: ['x'],
          }),
        ),
    ],
    [
      'that says no-store',
      () => withBody(set(key.publicJWK), { headers: { 'Cache-Control': 'no-store' } }),
    ],
  ])('%s', async (_, response) => {
    const { endpoint, present } = await createKeyHarness()
    endpoint.respond = response()
    expect((await present({ key })).status).toBe(ACCEPTED)
  })
})

const bad: [string, () => JwksResponder][] = [
  ['status 204', () => withBody(null, { status: 204 })],
  ['status 203 with a good body', () => withStatus(203, set(key.publicJWK))],
  ['status 404 with a good body', () => withStatus(404, set(key.publicJWK))],
  ['status 503 with a good body', () => withStatus(503, set(key.publicJWK))],
  ['a redirect', () => redirectTo('https://other.example/jwks')],
  ['a broken connection', () => breakConnection],
  ['an empty body', () => withBody('')],
  ['a page', () => withBody('<!doctype html>')],
  ['half of a set', () => withBody(set(key.publicJWK).slice(0, -2))],
  ['two byte order marks', () => withBody(`\uFEFF\uFEFF${set(key.publicJWK)}`)],
  ['a good set with a byte that is not UTF-8', withStrayByte],
  ['a list of keys', () => withBody(JSON.stringify([key.publicJWK]))],
  ['a key', () => withBody(JSON.stringify(key.publicJWK))],
  ['null', () => withBody('null')],
  ['an object without keys', () => withBody('{}')],
  ['keys that are an object', () => withBody(JSON.stringify({ keys: { 0: key.publicJWK } }))],
  ['a text among the keys', () => withBody(set('x', key.publicJWK))],
  ['null among the keys', () => withBody(set(null, key.publicJWK))],
  ['101 keys', () => withBody(set(...unusable(100), key.publicJWK))],
  ['no key', () => withBody(set())],
  ['a key for encryption alone', () => withBody(set({ ...key.publicJWK, use: 'enc' }))],
  ['a key of an unknown type alone', () => withBody(set({ kty: 'XYZ', kid: key.kid }))],
  ['a key for another algorithm alone', () => withBody(set(unsupported.publicJWK))],
  ['a key for an algorithm that is not allowed here', () => withBody(set(other.publicJWK))],
  ['an RSA key of 1024 bits alone', () => withBody(set(weak.publicJWK))],
  ['a private key alone', () => withBody(set(key.privateJWK))],
  ['a secret alone', () => withBody(set({ kty: 'oct', k: 'c2VjcmV0', kid: key.kid }))],
  ['65,537 bytes', () => withBody(ofSize(MAX_BYTES + 1))],
  ['no answer within 3 s', () => hang],
  ['no end within 3 s', () => hangInBody],
]

/** A harness for each, to be asked all at once, since some answers take three seconds. */
function createHarnesses() {
  return Promise.all(bad.map(() => createKeyHarness({ TOKEN_ALGORITHMS: 'ES256, RS256' })))
}

describe('a bad answer, whatever is wrong with it,', () => {
  test('leaves a cold isolate without keys', async () => {
    const outcomes = await Promise.all(
      (await createHarnesses()).map(async ({ endpoint, present }, index) => {
        const [name, response] = bad[index]!
        endpoint.respond = response()
        const { status, line, headers } = await present({ key })
        return [name, status, line.reason, headers.get('Retry-After')]
      }),
    )
    expect(outcomes).toEqual(bad.map(([name]) => [name, 500, 'jwks_unavailable', '1']))
  })

  test('never replaces good keys', async () => {
    stopClock()
    // Nothing but the isolate's own memory is to keep them.
    vi.spyOn(caches, 'open').mockRejectedValue(new Error('no cache here'))
    const harnesses = await createHarnesses()
    await Promise.all(harnesses.map(({ present }) => present()))
    passTime(10 * MINUTE)
    const outcomes = await Promise.all(
      harnesses.map(async ({ endpoint, present }, index) => {
        const [name, response] = bad[index]!
        endpoint.respond = response()
        const { status: during } = await present()
        const { status: behind } = await present()
        return [name, during, behind, endpoint.requests.length]
      }),
    )
    expect(outcomes).toEqual(bad.map(([name]) => [name, ACCEPTED, ACCEPTED, 2]))
  })
})
