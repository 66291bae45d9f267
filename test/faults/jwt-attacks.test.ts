/**
 * Known attacks on JSON Web Tokens over real sockets: each token is rejected for the expected reason and never reaches the
 * database, and the attacker's server gets no request. The attacker knows the issuer's public keys and has valid tokens of
 * its own, but no key of the issuer. test/tokens.test.ts has each member alone.
 */
import { CompactEncrypt, importJWK } from 'jose'
import { createHmac, createPublicKey } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import type { TokenChanges } from '../../dev/test-issuer.ts'
import { createKey } from '../../dev/test-keys.ts'
import { createFixture } from '../support/fixture'
import { serveIssuer } from '../support/node/jwks-server'
import { startHarness } from './harness/start'

const issuer = await serveIssuer({ algorithms: ['ES256', 'RS256', 'Ed25519'] })
const attacker = await serveIssuer()
const harness = await startHarness({ issuer })
afterAll(async () => {
  await harness.stop()
  await issuer.stop()
  await attacker.stop()
})

const fixture = await createFixture(harness.db)
const victim = fixture.administrator.person.subject
const [ec, rsa, ed] = issuer.keys
const key = await createKey('ES256')
const server = new URL(attacker.vars.JWKS_URL).origin

/** The members of an object as JSON text, without the braces around them. */
const textOf = (value: object): string => JSON.stringify(value).slice(1, -1)

const pem = createPublicKey({ key: rsa!.publicJWK, format: 'jwk' }).export({
  type: 'spki',
  format: 'pem',
})
const signHMAC = (secret: string | Buffer) => async (input: string) =>
  createHmac('sha256', secret).update(input).digest()
const always = (...bytes: readonly number[]) => ({ sign: async () => Uint8Array.from(bytes) })
const zeros = (count: number) => always(...new Uint8Array(count))
/** The order of P-256. Each part of a signature is below it. */
const ORDER = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex')

const claims = issuer.claims(victim)
const header = { alg: 'ES256', typ: 'at+jwt', kid: ec.kid }
const forged = { key, header: { kid: ec.kid } }
const withHeader = (more: object) => ({ ...forged, header: { kid: ec.kid, ...more } })

/** The attacker's changes, before or after the token is signed. */
type Forge = TokenChanges | ((token: string) => string | Promise<string>)

/** The attacks, by the reason in the log. */
const ATTACKS: Readonly<Record<string, Readonly<Record<string, Forge>>>> = {
  jwt_algorithm_not_allowed: {
    'alg "none" with a signature': { header: { alg: 'none' } },
    'alg "nOnE" with a zero byte': { header: { alg: 'nOnE' }, ...zeros(1) },
    'HS256, and the RSA public key (PEM) as its secret': {
      header: { alg: 'HS256', kid: rsa!.kid },
      sign: signHMAC(pem),
    },
    'HS256, and the EC public key (JWK) as its secret': {
      header: { alg: 'HS256' },
      sign: signHMAC(JSON.stringify(ec.publicJWK)),
    },
    'alg twice, none last': { headerText: `{${textOf(header)},"alg":"none"}` },
  },
  jwt_unknown_key: {
    'RS256 of an EC key': { header: { alg: 'RS256' } },
    'ES256 of an RSA key': { header: { alg: 'ES256', kid: rsa!.kid } },
    'ES384 of a P-256 key': { header: { alg: 'ES384' } },
    'EdDSA of an EC key': { header: { alg: 'EdDSA' } },
    'PS256 of a key for RS256': { header: { alg: 'PS256', kid: rsa!.kid }, key: rsa! },
    'jku and a key ID of the attacker': { key, header: { jku: `${server}/jwks` } },
    'kid twice, an unknown one last': { headerText: `{${textOf(header)},"kid":"other"}` },
    ...Object.fromEntries(
      [
        "x' UNION SELECT 'key' --",
        '../../../../dev/null',
        `${server}/key`,
        '$(curl example.invalid)',
        `${ec.kid}\u0000`,
        ` ${ec.kid}`,
        ec.kid.toUpperCase(),
        '__proto__',
        'constructor',
        '',
        'k'.repeat(5_000),
        null,
        0,
        [ec.kid],
        { toString: ec.kid },
      ].map((kid) => [`kid ${JSON.stringify(kid).slice(0, 40)}`, { header: { kid } }]),
    ),
  },
  jwt_signature_invalid: {
    'a signature of zeros ("psychic")': zeros(64),
    'a signature of the order of the curve': always(...ORDER, ...ORDER),
    'a signature of zero and one': always(...new Uint8Array(63), 1),
    'a signature that is too short': always(...new Uint8Array(63).fill(1)),
    'a signature that is too long': always(...new Uint8Array(65).fill(1)),
    'an Ed25519 signature of zeros': { key: ed!, ...zeros(64) },
    'an RSA signature of zeros': { key: rsa!, ...zeros(256) },
    'a key set on a server of the attacker (jku)': withHeader({ jku: `${server}/jwks` }),
    'a certificate on a server of the attacker (x5u)': withHeader({ x5u: `${server}/cert` }),
    'a key in the header (jwk)': withHeader({
      jwk: { ...key.publicJWK, kid: ec.kid },
    }),
    'a certificate in the header (x5c)': withHeader({ x5c: ['MIIB'], x5t: 'AAAA' }),
    'alg twice, none first, of another key': {
      ...forged,
      headerText: `{"alg":"none",${textOf(header)}}`,
    },
    'a header nested a thousand deep': {
      ...forged,
      headerText: `{${textOf(header)},"x":${'['.repeat(1_000)}${']'.repeat(1_000)}}`,
    },
  },
  jwt_malformed: {
    'alg "none" without a signature': { header: { alg: 'none' }, ...zeros(0) },
    'no algorithm': { header: { alg: undefined } },
    'crit with the name of a prototype': { header: { crit: ['__proto__'] } },
    'b64: false': { header: { crit: ['b64'], b64: false } },
    'an encrypted token (JWE) around a valid one': async (token) => {
      const protectedHeader = { alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT', kid: rsa!.kid }
      const secret = await importJWK({ ...rsa!.publicJWK, alg: 'RSA-OAEP-256', use: 'enc' })
      return new CompactEncrypt(Buffer.from(token))
        .setProtectedHeader(protectedHeader)
        .encrypt(secret)
    },
    'a signed token around a valid one': (token) =>
      issuer.token(victim, { header: { cty: 'JWT' }, payloadText: token }),
    'JSON serialization': (token) => {
      const [protectedHeader, payload, signature] = token.split('.')
      return JSON.stringify({ payload, protected: protectedHeader, signature })
    },
    'compression (zip) of the payload': {
      header: { zip: 'DEF' },
      payloadText: '\u0078\u009c',
    },
    'two tokens': (token) => `${token},${token}`,
  },
  jwt_audience_mismatch: {
    'aud twice, another one last': {
      payloadText: `{${textOf(claims)},"aud":"https://other.example"}`,
    },
    'an audience that starts with the configured one': {
      claims: { aud: `${issuer.vars.TOKEN_AUDIENCE}.evil.example` },
    },
  },
  jwt_claims_invalid: {
    'claims in __proto__': {
      payloadText: `{${textOf({ ...claims, sub: undefined })},"__proto__":{"sub":"${victim}"}}`,
    },
  },
  token_oversize: { 'more than 8 KiB': { claims: { pad: 'x'.repeat(8_000) } } },
}

const attacks = Object.entries(ATTACKS).flatMap(([reason, forges]) =>
  Object.entries(forges).map(([name, forge]) => ({ name, reason, forge })),
)
const tokens: string[] = []

describe('rejects', () => {
  test.for(attacks)('$name: $reason', async ({ forge, reason }) => {
    const token = await (typeof forge === 'function'
      ? forge(await issuer.token(victim))
      : issuer.token(victim, forge))
    tokens.push(token)
    const response = await harness.call({ ...fixture.target, token })
    const line = await harness.lineOf(response.requestID)
    expect([response.status, line.reason]).toEqual([401, reason])
    expect([line.database, line.actor]).toEqual([undefined, undefined])
    expect(response.headers.get('WWW-Authenticate')).toContain('the access token is invalid')
  })
})

test('accepts the unchanged token of each key', async () => {
  for (const each of issuer.keys) {
    const token = await issuer.token(victim, { key: each })
    const response = await harness.call({ ...fixture.target, userID: 'absent', token })
    expect([each.algorithm, response.status]).toEqual([each.algorithm, 404])
  }
})

test('the attacker’s server gets no request, and the issuer two at most', () => {
  expect(attacker.endpoint.requests).toHaveLength(0)
  expect(issuer.endpoint.requests.length).toBeLessThanOrEqual(2)
})

test('no part of these tokens is in the log', () => {
  const log = harness.log.join('\n')
  const parts = tokens.flatMap((token) => token.split('.')).filter(({ length }) => length > 20)
  expect(parts.length).toBeGreaterThan(attacks.length)
  expect(parts.filter((part) => log.includes(part))).toEqual([])
})
