/**
 * Responses of the issuer's JWKS endpoint, up to each limit and beyond it. test/faults/key-faults.test.ts has more of them,
 * over a socket.
 */
import { beforeAll, expect, test, vi } from 'vitest'
import { createKey, createWeakKey, type SigningKey } from '../dev/test-keys.ts'
import {
  hang,
  hangInBody,
  redirectTo,
  withBody,
  withStatus,
  type JwksResponder,
} from './support/jwks-responders'
import { MINUTE, passTime, stopClock } from './support/worker/clock'
import { outcomeOf } from './support/worker/harness'
import { ACCEPTED, createKeyHarness } from './support/worker/key-harness'
import { readLog } from './support/worker/log'

const MAX_BYTES = 65_536
let key: SigningKey
let other: SigningKey
let weak: SigningKey

beforeAll(async () => {
  key = await createKey('ES256')
  other = await createKey('ES384')
  weak = await createWeakKey()
})

const set = (...keys: readonly unknown[]): string => JSON.stringify({ keys })
const unusable = (length: number) => Array.from({ length }, () => ({}))

/** A valid JWK Set of a number of bytes, with a letter of two bytes. */
function ofSize(bytes: number): string {
  const text = JSON.stringify({ note: 'ë', keys: [key.publicJWK] })
  const length = new TextEncoder().encode(text).byteLength
  return text.replace('"note":"', `"note":"${'x'.repeat(bytes - length)}`)
}

function withStrayByte(): JwksResponder {
  const bytes = new TextEncoder().encode(JSON.stringify({ note: '?', keys: [key.publicJWK] }))
  return withBody(bytes.with(bytes.indexOf('?'.charCodeAt(0)), 0xff))
}

/** The text in chunks of one byte. */
function inChunks(text: string): ReadableStream {
  const { readable, writable } = new IdentityTransformStream()
  const writer = writable.getWriter()
  for (const byte of new TextEncoder().encode(text)) void writer.write(Uint8Array.of(byte))
  void writer.close()
  return readable
}

test.each<[string, () => BodyInit, ResponseInit?]>([
  ['a byte order mark before it', () => `\uFEFF${set(key.publicJWK)}`],
  ['white space around it', () => ` \r\n\t${set(key.publicJWK)}\n`],
  ['no type', () => new TextEncoder().encode(set(key.publicJWK)), { headers: {} }],
  ['64 KiB', () => ofSize(MAX_BYTES)],
  ['a letter that is split between chunks', () => inChunks(set({ kid: 'ë' }, key.publicJWK))],
  ['100 keys', () => set(...unusable(99), key.publicJWK)],
  ['members beside the keys', () => JSON.stringify({ x: 1, keys: [key.publicJWK] })],
  [
    'unusable keys, and unknown members in a key',
    () => set({}, { kty: 'XYZ' }, { kty: 'EC', crv: 'P-256' }, { ...key.publicJWK, x5c: ['x'] }),
  ],
  ['no-store', () => set(key.publicJWK), { headers: { 'Cache-Control': 'no-store' } }],
])('uses a JWK Set with %s', async (_, body, init) => {
  const { endpoint, present } = await createKeyHarness()
  endpoint.respond = withBody(body(), init)
  expect((await present({ key })).status).toBe(ACCEPTED)
})

test.each<[string, () => JwksResponder]>([
  ['status 203 with a valid body', () => withStatus(203, set(key.publicJWK))],
  ['status 204', () => withBody(null, { status: 204 })],
  ['an empty body', () => withBody('')],
  ['null', () => withBody('null')],
  ['a redirect', () => redirectTo('https://other.example/jwks')],
  ['half of a set', () => withBody(set(key.publicJWK).slice(0, -2))],
  ['two byte order marks', () => withBody(`\uFEFF\uFEFF${set(key.publicJWK)}`)],
  ['a valid set with a byte that is not UTF-8', withStrayByte],
  ['a list of keys', () => withBody(JSON.stringify([key.publicJWK]))],
  ['a key', () => withBody(JSON.stringify(key.publicJWK))],
  ['keys that are an object', () => withBody(JSON.stringify({ keys: { 0: key.publicJWK } }))],
  ['a text among the keys', () => withBody(set('x', key.publicJWK))],
  ['null among the keys', () => withBody(set(null, key.publicJWK))],
  ['101 keys', () => withBody(set(...unusable(100), key.publicJWK))],
  ['a set without keys', () => withBody(set())],
  ['a key for encryption alone', () => withBody(set({ ...key.publicJWK, use: 'enc' }))],
  ['a key for an algorithm that is not allowed here', () => withBody(set(other.publicJWK))],
  ['a private key alone', () => withBody(set(key.privateJWK))],
  ['a secret key alone', () => withBody(set({ kty: 'oct', k: 'c2VjcmV0', alg: 'HS256' }))],
  ['an RSA key of 1024 bits alone', () => withBody(set(weak.publicJWK))],
  ['a key to sign with alone', () => withBody(set({ ...key.publicJWK, key_ops: ['sign'] }))],
  ['a point off its curve alone', () => withBody(set({ ...key.publicJWK, y: key.publicJWK.x }))],
  ['65,537 bytes', () => withBody(ofSize(MAX_BYTES + 1))],
  ['a response that does not begin within 3 s', () => hang],
  ['a body that does not end within 3 s', () => hangInBody],
])('does not use %s, and keeps valid keys', async (_, respond) => {
  stopClock()
  // Only the memory of the isolate keeps keys here.
  vi.spyOn(caches, 'open').mockRejectedValue(new Error('no cache here'))
  const vars = { TOKEN_ALGORITHMS: 'ES256, RS256' }
  const [cold, warm] = [await createKeyHarness(vars), await createKeyHarness(vars)]
  await warm.present()
  passTime(10 * MINUTE)
  cold.endpoint.respond = warm.endpoint.respond = respond()
  const [response, during] = await Promise.all([cold.present({ key }), warm.present()])
  const wait = response.headers.get('Retry-After')
  expect([outcomeOf(response), wait]).toEqual(['500 jwks_unavailable', '1'])
  const behind = await warm.present()
  expect([during.status, behind.status, warm.fetches()]).toEqual([ACCEPTED, ACCEPTED, 2])
})

test('logs the status of a response that is not used', async () => {
  const { endpoint, present } = await createKeyHarness()
  endpoint.respond = withStatus(503, '')
  await present()
  const line = { message: 'jwks_refresh_failed', cause: 'status', status: 503 }
  expect(readLog()).toContain(JSON.stringify(line))
})
