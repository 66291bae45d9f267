/**
 * Every way in which an issuer can respond over a socket when it is asked for its keys, to an isolate without keys and to
 * one that has valid ones. Each case has a JWKS URL of its own. The table of docs/reliability.md is made of what these
 * cases show.
 */
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import {
  after,
  breakConnection,
  hang,
  hangInBody,
  redirectTo,
  withBody,
  withStatus,
  type JwksResponder,
} from '../support/jwks-responders'
import { createKey, createWeakKey, without } from '../../dev/test-keys.ts'
import { MINUTE_MS, SECOND_MS, startKeyHarness } from './harness/key-harness'
import { clearRows, writeRows, type Row } from './harness/results'
import type { Observation } from './harness/start'

const TABLE = 'key-faults'

clearRows(TABLE)
const harness = await startKeyHarness()
const { responses, ask, fetches, issuer } = harness
afterAll(() => harness.stop())

const [{ publicJWK: key, privateJWK, kid }] = issuer.keys
const rsa = await createKey('RS256')
const weak = { ...without((await createWeakKey()).publicJWK, 'alg'), kid }

/** As text, since no function here would write it. */
const DEEP = `{"kty":"EC","x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`
const LIMIT_BYTES = 64 * 1024

const setOf = (...keys: readonly unknown[]): string =>
  `{"keys":[${keys.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))).join()}]}`

/** A response of the issuer, and why its keys are not used, in the log's words. */
interface KeyCase {
  readonly response: string
  readonly serve: JwksResponder
  readonly cause?: string
}

const serves = (response: string, serve: JwksResponder): KeyCase => ({ response, serve })
const fails = (response: string, cause: string, serve: JwksResponder) => ({
  response,
  cause,
  serve,
})
/** A set with nothing but this. */
const ofOnly = (response: string, only: unknown) =>
  fails(response, 'no_usable_key', withBody(setOf(only)))

/** Breaks the connection in the middle of a body. */
function breakOff(text: string): JwksResponder {
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
const trickle: JwksResponder = () =>
  new Response(
    new ReadableStream<Uint8Array>({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 200))
        controller.enqueue(new TextEncoder().encode(' '))
      },
    }),
  )

const set = setOf(key)
const ofSize = (bytes: number): string => set + ' '.repeat(bytes - set.length)
const gzip = { headers: { 'Content-Encoding': 'gzip' } }
const zipped = (text: string): JwksResponder => withBody(gzipSync(text), gzip)

/** All of them, in the order of the table. */
const cases: readonly KeyCase[] = [
  serves('a JWK Set', withBody(set)),
  serves('… after two seconds', after(2_000, withBody(set))),
  serves('… with a byte order mark before it', withBody(`\ufeff${set}`)),
  serves('… that claims to be HTML', withBody(set, { headers: { 'Content-Type': 'text/html' } })),
  serves('… of exactly 64 KiB', withBody(ofSize(LIMIT_BYTES))),
  serves('… that is compressed', zipped(set)),
  serves(
    '… with a private key, a weak key and an unknown kind beside a good one',
    withBody(setOf(rsa.privateJWK, weak, { kty: 'new' }, key)),
  ),
  serves('… with a key beside it that is nested 20,000 deep', withBody(setOf(DEEP, key))),

  fails('a JWK Set after four seconds', 'timeout', after(4_000, withBody(set))),
  fails('nothing; the connection stays open', 'timeout', hang),
  fails('the beginning of a body and then nothing', 'timeout', hangInBody),
  fails('a byte every 200 ms, without end', 'timeout', trickle),
  fails('nothing; the connection breaks', 'fetch_failed', breakConnection),
  fails('half a body; the connection breaks', 'fetch_failed', breakOff(set)),
  fails('204, without a body', 'status', () => new Response(null, { status: 204 })),
  ...[404, 429, 500, 503].map((status) =>
    fails(`${status}, with a good body`, 'status', withStatus(status, set)),
  ),
  fails('a redirect to a good answer', 'status', redirectTo(`${issuer.vars.JWKS_URL}?elsewhere`)),

  fails('64 KiB and one byte', 'oversize', withBody(ofSize(LIMIT_BYTES + 1))),
  fails('64 MiB, compressed into 64 KiB', 'oversize', zipped(ofSize(64 * 1024 * 1024))),
  fails('nothing at all, with 200', 'not_json', withBody('')),
  fails('an HTML page', 'not_json', withBody('<!doctype html><title>Sign in</title>')),
  fails('a JWK Set that is cut off', 'not_json', withBody(set.slice(0, -3))),
  fails('bytes that are not UTF-8', 'not_json', withBody(new Uint8Array([0x7b, 0xff, 0x7d]))),
  ...['null', '[]', '"keys"', '{}', '{"keys":{}}', '{"keys":[null]}', '{"keys":["key"]}'].map(
    (text) => fails(`\`${text}\``, 'not_a_jwk_set', withBody(text)),
  ),
  fails('`{"keys":[]}`', 'no_usable_key', withBody('{"keys":[]}')),
  ofOnly('only a key for encryption', { ...key, use: 'enc' }),
  ofOnly('only a key for other operations', { ...key, key_ops: ['sign'] }),
  ofOnly('only a private key', privateJWK),
  ofOnly('only a secret (HMAC) key', { kty: 'oct', k: 'c2VjcmV0', kid, alg: 'HS256' }),
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
const rows = new Map<string, Row>()
const otherKey = await createKey('ES256')
const token = await harness.tokenOf(otherKey)

/** Why a refresh failed, in the log's words. */
async function findCause({ requestID }: Observation): Promise<string | undefined> {
  const { warnings } = await harness.report(requestID)
  const [cause] = warnings.map((text) => (JSON.parse(text) as { cause: string }).cause)
  return cause
}

describe.concurrent('if the issuer responds with', () => {
  test.for(cases)('$answer', async (given, { expect }) => {
    const index = cases.indexOf(given)
    const [cold, warm] = [`cold-${index}`, `warm-${index}`]

    responses.set(cold, given.serve)
    const first = await ask(cold, { aheadMs: 0 })
    const cause = await findCause(first)
    const reason = (await harness.lineOf(first.requestID)).reason
    expect
      .soft([first.status, first.headers.get('Retry-After'), reason])
      .toEqual(given.cause ? [500, '1', 'jwks_unavailable'] : [404, null, 'user_not_found'])
    expect.soft(cause).toBe(given.cause)
    expect.soft(fetches(cold)).toBe(1)

    responses.set(warm, withBody(issuer.jwks()))
    expect((await ask(warm, { aheadMs: 0 })).status).toBe(404)
    responses.set(warm, given.serve)
    const known = await ask(warm, { aheadMs: 10 * MINUTE_MS })
    const unknown = await ask(warm, { token, aheadMs: 10 * MINUTE_MS + 30 * SECOND_MS })
    expect.soft(known.status).toBe(404)
    expect.soft(unknown.status).toBe(401)
    expect.soft((await ask(warm, { aheadMs: 11 * MINUTE_MS - 1 })).status).toBe(404)
    expect.soft(fetches(warm)).toBe(3)

    responses.set(cold, withBody(issuer.jwks()))
    expect.soft((await ask(cold, { aheadMs: SECOND_MS })).status).toBe(404)
    responses.set(warm, withBody(issuer.jwks([issuer.keys[0].publicJWK, otherKey.publicJWK])))
    expect.soft((await ask(warm, { token, aheadMs: 12 * MINUTE_MS })).status).toBe(404)

    rows.set(given.response, {
      'The issuer answers with': given.response,
      'No keys yet': first.status === 500 ? `500, \`${reason}\`` : first.status,
      'Good keys, a known key ID': known.status,
      'Good keys, an unknown key ID': unknown.status,
      'Cause in the log': cause === undefined ? '–' : `\`${cause}\``,
    })
  })
})

test('a redirect is not followed', () => {
  expect(fetches('elsewhere')).toBe(0)
})

test('the table has a row for every case, in their order', () => {
  expect(rows.size).toBe(cases.length)
  writeRows(
    TABLE,
    cases.map(({ response }) => rows.get(response)!),
  )
})
