/**
 * Responses of an issuer over a socket, to an isolate without keys and to one that has valid keys. docs/issuer-faults.md
 * is written from these cases. test/jwks-responses.test.ts has more invalid key sets.
 */
import { ReadableStream } from 'node:stream/web'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { JWKS_FAULTS } from '../../src/jwks'
import { createKey, createWeakKey, without } from '../../dev/test-keys.ts'
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
import { MINUTE_MS, SECOND_MS, startKeyHarness } from './harness/key-harness'
import { renderPage, type Row } from './table'

const harness = await startKeyHarness(['harness'], 'ES256,RS256')
const { responses, ask, fetches, issuer } = harness
afterAll(() => harness.stop())

const [{ publicJWK: key, privateJWK, kid }] = issuer.keys
const rsa = await createKey('RS256')
const weak = { ...without((await createWeakKey()).publicJWK, 'alg'), kid }

/** As text, since `JSON.stringify` cannot write it. */
const DEEP = `{"kty":"EC","x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`
const LIMIT_BYTES = 64 * 1024

const setOf = (...keys: readonly unknown[]): string =>
  `{"keys":[${keys.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))).join()}]}`

/** A body in chunks; an error of the generator breaks the connection. */
const inChunks = (chunks: () => AsyncGenerator<Uint8Array>): JwksResponder => {
  return () => new Response(ReadableStream.from(chunks()))
}

const set = setOf(key)
const ofSize = (bytes: number): string => set + ' '.repeat(bytes - set.length)
const gzip = { headers: { 'Content-Encoding': 'gzip' } }
const zipped = (text: string): JwksResponder => withBody(gzipSync(text), gzip)

type KeyCase = readonly [response: string, serve: JwksResponder, cause?: string]
/** A set that has this alone. */
const only = (response: string, value: unknown): KeyCase => [
  `only ${response}`,
  withBody(setOf(value)),
  'no_usable_key',
]

/** The cases in the order of the table; with a cause if the keys are not used. */
const cases: readonly KeyCase[] = [
  ['a key set', withBody(set)],
  ['a key set after two seconds', after(2_000, withBody(set))],
  ['a compressed key set', zipped(set)],
  ['a key set with the type of HTML', withBody(set, { headers: { 'Content-Type': 'text/html' } })],
  [
    'a valid key beside a private one, a weak one and one of an unknown type',
    withBody(setOf(rsa.privateJWK, weak, { kty: 'new' }, key)),
  ],
  ['a valid key beside one that is nested 20,000 deep', withBody(setOf(DEEP, key))],
  ['a key set after four seconds', after(4_000, withBody(set)), 'timeout'],
  ['nothing; the connection stays open', hang, 'timeout'],
  ['the start of a body, then nothing', hangInBody, 'timeout'],
  [
    'a byte every 200 ms, without end',
    inChunks(async function* () {
      for (;;) {
        await new Promise((resolve) => setTimeout(resolve, 200))
        yield Buffer.from(' ')
      }
    }),
    'timeout',
  ],
  ['nothing; the connection breaks', breakConnection, 'fetch_failed'],
  [
    'half of a body; the connection breaks',
    inChunks(async function* () {
      yield Buffer.from(set.slice(0, set.length / 2))
      throw new Error('the connection breaks')
    }),
    'fetch_failed',
  ],
  ['503 with a valid body', withStatus(503, set), 'status'],
  ['a redirect', redirectTo(`${issuer.vars.JWKS_URL}?elsewhere`), 'status'],
  ['64 KiB and one byte', withBody(ofSize(LIMIT_BYTES + 1)), 'oversize'],
  ['64 MiB, compressed into 64 KiB', zipped(ofSize(64 * 1024 * 1024)), 'oversize'],
  ['an HTML page', withBody('<!doctype html><title>Sign in</title>'), 'not_json'],
  ['bytes that are not UTF-8', withBody(new Uint8Array([0x7b, 0xff, 0x7d])), 'not_json'],
  ['`{}`', withBody('{}'), 'not_a_jwk_set'],
  ['`{"keys":[null]}`', withBody('{"keys":[null]}'), 'not_a_jwk_set'],
  ['101 keys', withBody(setOf(...Array.from({ length: 101 }, () => key))), 'too_many_keys'],
  only('a private key', privateJWK),
  only('an RSA key of 1024 bits', weak),
  only('a key whose `alg` is null', { ...key, alg: null }),
  only('a key whose `ext` is a text', { ...key, ext: 'true' }),
  only('a key with a repeated `key_ops`', { ...key, key_ops: ['verify', 'verify'] }),
]
const rows = new Map<string, Row>()
const otherKey = await createKey('ES256')
const token = await harness.tokenOf(otherKey)

describe.concurrent('if the issuer sends', () => {
  test.for(cases)('%s', async (given, { expect }) => {
    const [response, serve, cause] = given
    const [cold, warm] = [`cold-${cases.indexOf(given)}`, `warm-${cases.indexOf(given)}`]

    responses.set(cold, serve)
    const first = await ask(cold, { aheadMs: 0 })
    const { warnings } = await harness.report(first.requestID)
    const logged = warnings.map((text) => (JSON.parse(text) as { cause: string }).cause)[0]
    const { reason } = await harness.lineOf(first.requestID)
    expect
      .soft([first.status, first.headers.get('Retry-After'), reason])
      .toEqual(cause ? [500, '1', 'jwks_unavailable'] : [404, null, 'user_not_found'])
    expect.soft(logged).toBe(cause)
    expect.soft(fetches(cold)).toBe(1)

    responses.set(warm, withBody(issuer.jwks()))
    expect((await ask(warm, { aheadMs: 0 })).status).toBe(404)
    responses.set(warm, serve)
    const known = await ask(warm, { aheadMs: 10 * MINUTE_MS })
    const unknown = await ask(warm, { token, aheadMs: 10 * MINUTE_MS + 30 * SECOND_MS })
    expect.soft(known.status).toBe(404)
    expect.soft(unknown.status).toBe(401)
    expect.soft((await ask(warm, { aheadMs: 11 * MINUTE_MS - 1 })).status).toBe(404)
    expect.soft(fetches(warm)).toBe(3)

    // The issuer works again.
    responses.set(cold, withBody(issuer.jwks()))
    expect.soft((await ask(cold, { aheadMs: SECOND_MS })).status).toBe(404)
    responses.set(warm, withBody(issuer.jwks([key, otherKey.publicJWK])))
    expect.soft((await ask(warm, { token, aheadMs: 12 * MINUTE_MS })).status).toBe(404)

    rows.set(response, {
      'The issuer sends': response,
      Response: first.status === 500 ? `500, \`${reason}\`` : first.status,
      'Cause in the log': logged === undefined ? '–' : `\`${logged}\``,
    })
  })
})

test('the cases have every cause, and no redirect is followed', () => {
  const causes = new Set(cases.flatMap(([, , cause]) => cause ?? []))
  expect(causes).toEqual(new Set(JWKS_FAULTS))
  expect(fetches('elsewhere')).toBe(0)
})

test('docs/issuer-faults.md has the response to each fault', async () => {
  const page = renderPage(
    'Faults of the issuer',
    cases.map(([name]) => rows.get(name)),
  )
  await expect(page).toMatchFileSnapshot('../../docs/issuer-faults.md')
})
