/**
 * Every way in which an issuer can answer when it is asked for its keys, and whether the answer is good. The table of
 * docs/reliability.md is made of what these cases are seen to do.
 */
import { gzipSync } from 'node:zlib'
import type { SigningKey } from '../support/keys'
import { without } from '../support/keys'
import {
  after,
  breakConnection,
  hang,
  hangInBody,
  redirectTo,
  withBody,
  withStatus,
  type JwksAnswer,
} from '../support/jwks-answers'

/** One answer. */
export interface KeyCase {
  readonly answer: string
  readonly serve: JwksAnswer
  /** Whether the keys in it are to be used. */
  readonly isGood: boolean
  /** Why not, in the log's words. */
  readonly cause?: string
}

/** What the answers are made of: two keys of the issuer, and one that is not for the algorithms in use. */
export interface KeyMaterial {
  readonly good: SigningKey
  readonly rsa: SigningKey
  readonly weak: Readonly<Record<string, unknown>>
  /** Where a redirect leads: a good answer that nobody may fetch. */
  readonly elsewhere: string
}

/** As text, since no function here would write it. */
const DEEP = `{"kty":"EC","x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`
const LIMIT_BYTES = 64 * 1024

const setOf = (...keys: readonly unknown[]): string =>
  `{"keys":[${keys.map((key) => (typeof key === 'string' ? key : JSON.stringify(key))).join()}]}`
const isBad = (answer: string, cause: string, serve: JwksAnswer): KeyCase => ({
  answer,
  serve,
  isGood: false,
  cause,
})
const isGood = (answer: string, serve: JwksAnswer): KeyCase => ({ answer, serve, isGood: true })
/** A set with nothing but this. */
const ofOnly = (answer: string, key: unknown): KeyCase =>
  isBad(answer, 'no_usable_key', withBody(setOf(key)))

/** Breaks the connection in the middle of a body. */
function breakOff(text: string): JwksAnswer {
  return () => {
    const start = text.slice(0, text.length / 2)
    return new Response(
      new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new TextEncoder().encode(start)),
        pull: (controller) => controller.error(new Error('broken off')),
      }),
      { headers: { 'Content-Length': String(text.length) } },
    )
  }
}

/** Sends a byte now and then, never so slowly that the connection would be given up. */
const trickle: JwksAnswer = () =>
  new Response(
    new ReadableStream<Uint8Array>({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 200))
        controller.enqueue(new TextEncoder().encode(' '))
      },
    }),
  )

/** All of them, in the order of the table. */
export function makeKeyCases({ good, rsa, weak, elsewhere }: KeyMaterial): readonly KeyCase[] {
  const key = good.publicJWK
  const set = setOf(key)
  const ofSize = (bytes: number): string => set + ' '.repeat(bytes - set.length)
  const gzip = { headers: { 'Content-Encoding': 'gzip' } }
  const zipped = (text: string): JwksAnswer => withBody(gzipSync(text), gzip)
  return [
    isGood('a JWK Set', withBody(set)),
    isGood('… after two seconds', after(2_000, withBody(set))),
    isGood('… with a byte order mark before it', withBody(`\ufeff${set}`)),
    isGood('… that claims to be HTML', withBody(set, { headers: { 'Content-Type': 'text/html' } })),
    isGood('… of exactly 64 KiB', withBody(ofSize(LIMIT_BYTES))),
    isGood('… that is compressed', zipped(set)),
    isGood(
      '… with a private key, a weak key and an unknown kind beside a good one',
      withBody(setOf(rsa.privateJWK, weak, { kty: 'new' }, key)),
    ),
    isGood('… with a key beside it that is nested 20,000 deep', withBody(setOf(DEEP, key))),

    isBad('a JWK Set after four seconds', 'timeout', after(4_000, withBody(set))),
    isBad('nothing; the connection stays open', 'timeout', hang),
    isBad('the beginning of a body and then nothing', 'timeout', hangInBody),
    isBad('a byte every 200 ms, without end', 'timeout', trickle),
    isBad('nothing; the connection breaks', 'fetch_failed', breakConnection),
    isBad('half a body; the connection breaks', 'fetch_failed', breakOff(set)),
    isBad('204, without a body', 'status', () => new Response(null, { status: 204 })),
    ...[404, 429, 500, 503].map((status) =>
      isBad(`${status}, with a good body`, 'status', withStatus(status, set)),
    ),
    isBad('a redirect to a good answer', 'status', redirectTo(elsewhere)),

    isBad('64 KiB and one byte', 'oversize', withBody(ofSize(LIMIT_BYTES + 1))),
    isBad('64 MiB, compressed into 64 KiB', 'oversize', zipped(ofSize(64 * 1024 * 1024))),
    isBad('nothing at all, with 200', 'not_json', withBody('')),
    isBad('an HTML page', 'not_json', withBody('<!doctype html><title>Sign in</title>')),
    isBad('a JWK Set that is cut off', 'not_json', withBody(set.slice(0, -3))),
    isBad('bytes that are not UTF-8', 'not_json', withBody(new Uint8Array([0x7b, 0xff, 0x7d]))),
    ...['null', '[]', '"keys"', '{}', '{"keys":{}}', '{"keys":[null]}', '{"keys":["key"]}'].map(
      (text) => isBad(`\`${text}\``, 'not_a_jwk_set', withBody(text)),
    ),
    isBad('`{"keys":[]}`', 'no_usable_key', withBody('{"keys":[]}')),
    ofOnly('only a key for encryption', { ...key, use: 'enc' }),
    ofOnly('only a key for other operations', { ...key, key_ops: ['sign'] }),
    ofOnly('only a private key', good.privateJWK),
    ofOnly('only a secret (HMAC) key', { kty: 'oct', k: 'c2VjcmV0', kid: key.kid, alg: 'HS256' }),
    ofOnly('only a key of an algorithm that is not allowed', rsa.publicJWK),
    ofOnly('only an RSA key of 1024 bits', weak),
    ofOnly('only a key without its coordinates', without(key, 'x')),
    ofOnly('only a point that is not on its curve', { ...key, y: key.x }),
    ofOnly('only a key whose `alg` is null', { ...key, alg: null }),
    ofOnly('only a key whose `ext` is a text', { ...key, ext: 'true' }),
    ofOnly('only a key whose `key_ops` repeat themselves', {
      ...key,
      key_ops: ['verify', 'verify'],
    }),
  ]
}
