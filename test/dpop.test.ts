/**
 * Tokens that are bound to a key (DPoP, RFC 9449): which proof makes one valid, and the reason and challenge of each
 * rejection. A rejected proof costs no query.
 */
import { env } from 'cloudflare:workers'
import { base64url } from 'jose'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import type { TokenChanges } from '../dev/test-issuer.ts'
import { createKey, createWeakKey, useFor, without } from '../dev/test-keys.ts'
import { watch } from './support/database'
import { toCases, type Row } from './support/jwt-cases'
import { createClientKey, hash, makeProof, toClientKey, type ClientKey } from './support/proofs'
import { createRequest } from './support/worker/caller'
import { SECOND } from './support/worker/clock'
import { createHarness, outcomeOf, VALID, type Harness } from './support/worker/harness'
import { readLog } from './support/worker/log'

const ORIGIN = 'https://identity.example'
const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'EdDSA', 'Ed25519'] as const
const MALFORMED = '401 dpop_malformed'
const STALE = '401 dpop_stale'
const OTHER_REQUEST = '401 dpop_request_mismatch'
const OTHER_TOKEN = '401 dpop_token_mismatch'
const FORGED = '401 dpop_signature_invalid'

type Mode = '' | 'accept' | 'require'

/** What a caller presents: a bound token and its proof, except for these members. */
interface Presented {
  readonly mode?: Mode
  readonly scheme?: string
  readonly key?: ClientKey
  /** Changes to the claims of the token. */
  readonly claims?: Record<string, unknown>
  /** Changes to the proof; null sends none. */
  readonly proof?: TokenChanges | null | ((request: ProvenRequest) => Promise<TokenChanges>)
  /** The values of the header `DPoP`, in place of the proof. */
  readonly headers?: (proof: string) => readonly string[]
  readonly path?: string
}

/** What a proof names. */
interface ProvenRequest {
  readonly url: string
  readonly token: string
}

const client = await createClientKey()
const rsa = await toClientKey(await createKey('RS256'))
const weak = await toClientKey(await createWeakKey())
const { db, calls } = watch(env.DB)
const harnesses = new Map<Mode, Harness>()

beforeAll(async () => {
  for (const DPOP of ['', 'accept', 'require'] as const) {
    harnesses.set(DPOP, await createHarness({ vars: { DPOP, DB: db, REQUIRED_SCOPE: 'users' } }))
  }
})

async function present({ mode = 'accept', key = client, ...what }: Presented) {
  const { fixture, call, token: makeToken } = harnesses.get(mode)!
  const { path = `/api/v1/organizations/${fixture.organizationID}/users/absent` } = what
  const { scheme = 'DPoP', proof = {}, headers = (made) => [made] } = what
  const claims = { scope: 'users', cnf: { jkt: key.jkt }, ...what.claims }
  const token = await makeToken(fixture.administrator, { claims })
  const request = { url: ORIGIN + path, token }
  const changes = typeof proof === 'function' ? await proof(request) : proof
  const proofs = changes === null ? [] : headers(await makeProof(key, request, changes))
  const sent = new Headers(proofs.map((value): [string, string] => ['DPoP', value]))
  if (scheme !== '') sent.set('Authorization', `${scheme} ${token}`)
  const before = calls.length
  const response = await call({ path, headers: sent })
  expect(response.status === 401 ? calls.slice(before) : []).toEqual([])
  return response
}

const judge = async (what: Presented): Promise<string> => outcomeOf(await present(what))

const forge = async () => new Uint8Array(64).fill(1)

const bearer = (error = '') => `Bearer realm="identity"${error}`
const dpop = (error = '') => `DPoP realm="identity"${error}, algs="${ALGORITHMS.join(' ')}"`

describe('mode, scheme and binding decide together', () => {
  const INVALID = ', error="invalid_token", error_description="the access token is invalid"'
  const EXPIRED = ', error="invalid_token", error_description="the access token expired"'
  const BAD_PROOF = ', error="invalid_dpop_proof"'
  const NO_SCOPE = ', error="insufficient_scope", scope="users"'
  const both = (inBearer = '', inDpop = '') => `${bearer(inBearer)}, ${dpop(inDpop)}`

  const bound: Presented = {}
  const none: Presented = { scheme: '', proof: null }
  const unbound: Presented = { claims: { cnf: undefined } }
  const plain: Presented = { ...unbound, scheme: 'Bearer', proof: null }
  const alone: Presented = { scheme: 'Bearer', proof: null }
  const noProof: Presented = { proof: null }
  const badProof: Presented = { proof: { claims: { htm: 'POST' } } }
  const expired: Presented = { claims: { exp: 1 } }
  const noScope: Presented = { claims: { scope: 'other' } }

  test.each<[Mode, string, string, Presented, string?]>([
    ['', 'no token', '401 token_missing', none, bearer()],
    ['', 'an unbound token', VALID, plain],
    ['', 'an unbound token beside a proof', VALID, { ...plain, proof: {} }],
    ['', 'a bound token alone', '401 jwt_sender_constrained', alone, bearer(INVALID)],
    ['', 'a bound token with its proof', '401 token_missing', bound, bearer()],

    ['accept', 'no token', '401 token_missing', none, both()],
    ['accept', 'another scheme', '401 token_missing', { scheme: 'Basic' }, both()],
    ['accept', 'a longer scheme', '401 token_missing', { scheme: 'DPoPs' }, both()],
    ['accept', 'an unbound token', VALID, plain],
    ['accept', 'an unbound token beside a proof', VALID, { ...plain, proof: {} }],
    ['accept', 'an unbound token under DPoP', OTHER_TOKEN, unbound, both('', INVALID)],
    ['accept', 'the same without a proof', OTHER_TOKEN, { ...unbound, ...noProof }],
    ['accept', 'a bound token with its proof', VALID, bound],
    ['accept', 'the scheme in capitals', VALID, { scheme: 'DPOP' }],
    ['accept', 'spaces after the scheme', VALID, { scheme: 'dpop  ' }],
    ['accept', 'a bound token alone', '401 dpop_missing', alone, both(INVALID)],
    ['accept', 'the same with its proof', '401 dpop_missing', { ...alone, proof: {} }],
    ['accept', 'no proof', '401 dpop_missing', noProof, both('', INVALID)],
    ['accept', 'an empty proof', '401 dpop_missing', { headers: () => [''] }],
    ['accept', 'an invalid proof', OTHER_REQUEST, badProof, both('', BAD_PROOF)],
    ['accept', 'one part', MALFORMED, { headers: () => ['x'] }, both('', BAD_PROOF)],
    ['accept', 'an old proof', STALE, { proof: { claims: { iat: 1 } } }, both('', BAD_PROOF)],
    ['accept', 'a forged proof', FORGED, { proof: { sign: forge } }, both('', BAD_PROOF)],
    ['accept', 'an expired token', '401 jwt_expired', { ...alone, ...expired }, both(EXPIRED)],
    ['accept', 'both invalid', '401 jwt_expired', { ...badProof, ...expired }, both('', EXPIRED)],
    ['accept', 'no scope', '403 scope_lacking', noScope, both(NO_SCOPE)],
    ['accept', 'no scope and an invalid proof', OTHER_REQUEST, { ...badProof, ...noScope }],

    ['require', 'no token', '401 token_missing', none, dpop()],
    ['require', 'an unbound token', '401 dpop_required', plain, dpop(INVALID)],
    ['require', 'an unbound token under DPoP', '401 dpop_required', unbound, dpop(INVALID)],
    ['require', 'a bound token with its proof', VALID, bound],
    ['require', 'a bound token alone', '401 dpop_missing', alone, dpop(INVALID)],
    ['require', 'an invalid proof', OTHER_REQUEST, badProof, dpop(BAD_PROOF)],
    ['require', 'an expired token', '401 jwt_expired', { ...alone, ...expired }, dpop(EXPIRED)],
    ['require', 'no scope', '403 scope_lacking', noScope, dpop(NO_SCOPE)],
  ])('DPOP "%s", %s: %s', async (mode, _, outcome, what, challenge) => {
    const response = await present({ ...what, mode })
    expect(outcomeOf(response)).toBe(outcome)
    const seen = response.headers.get('WWW-Authenticate')
    expect(seen).toBe(challenge ?? seen)
  })

  const others = [{ jwk: {} }, { 'x5t#S256': 'x' }, { kid: '' }, { x: null }]
  const withOthers = others.map((other) => ({ jkt: 'x', ...other }))
  test.each([{}, null, 'x', [], ['jkt'], { jkt: 5 }, { jkt: null }, ...others, ...withOthers])(
    'a token with cnf %j is rejected in every mode',
    async (cnf) => {
      const claims = { cnf }
      for (const mode of ['', 'accept', 'require'] as const) {
        const outcome = mode === '' ? '401 token_missing' : '401 jwt_sender_constrained'
        expect(await judge({ mode, claims })).toBe(outcome)
        expect(await judge({ ...alone, mode, claims })).toBe('401 jwt_sender_constrained')
      }
    },
  )
})

test('deletes a user with one batch for a bound token, and logs no part of the proof', async () => {
  const { fixture, token, call } = harnesses.get('require')!
  const claims = { scope: 'users', cnf: { jkt: client.jkt } }
  const bound = await token(fixture.administrator, { claims })
  const proof = await makeProof(client, { url: createRequest(fixture.target).url, token: bound })
  const headers = { Authorization: `DPoP ${bound}`, DPoP: proof }
  const before = calls.length
  expect(outcomeOf(await call({ ...fixture.target, headers }))).toBe('200')
  expect(calls.slice(before)).toEqual(['batch'])
  // No `jti` is remembered: the same proof again can only ask for the same deletion.
  expect(outcomeOf(await call({ ...fixture.target, headers }))).toBe(VALID)
  const parts = [...proof.split('.'), client.jkt, client.publicJWK.x!]
  expect(parts.filter((part) => readLog().join().includes(part))).toEqual([])
})

describe('a proof with', () => {
  const NOW = Math.floor(Date.now() / SECOND)
  const { publicJWK } = client
  const privateJWK = without(client.privateJWK, 'kid', 'alg', 'use')
  const offCurve = base64url.encode(new Uint8Array(32).fill(7))
  /** The same key, which has another thumbprint because of the zero. */
  const withZero = base64url.encode(new Uint8Array([0, ...base64url.decode(publicJWK.x!)]))

  const rows: Row[] = [
    [VALID, 'header.typ', 'Application/DPoP+JWT'],
    [MALFORMED, 'header.typ', 'JWT', undefined, null],
    [MALFORMED, 'header.alg', 'HS256', 'RS384', 'ES512', 'none'],
    [MALFORMED, 'header.crit', ['x']],
    [VALID, 'header.kid', 'x'],
    [MALFORMED, 'headerText', '[]'],
    [MALFORMED, 'payloadText', '"x"'],
    [FORGED, 'sign', forge],
    [MALFORMED, 'sign', async () => new Uint8Array()],

    [VALID, 'claims.nonce', 'x'],
    [VALID, 'claims.jti', 'é'.repeat(255)],
    [MALFORMED, 'claims.jti', undefined, '', 7, 'x'.repeat(256)],
    [OTHER_REQUEST, 'claims.htm', 'POST', 'delete', undefined, ['DELETE']],
    [OTHER_REQUEST, 'claims.htu', undefined, null],
    [OTHER_TOKEN, 'claims.ath', undefined, null],
    [VALID, 'claims.iat', NOW - 60, NOW + 30],
    [STALE, 'claims.iat', NOW - 60.5, NOW - 61, NOW + 30.5, NOW + 31],
    [STALE, 'claims.iat', undefined, null, '1', true, {}],
    [STALE, 'claims', { exp: 1 }, { nbf: NOW + 60 }],

    [MALFORMED, 'header.jwk', undefined, null, 'x', [publicJWK], {}, { kty: 'oct', k: 'eA' }],
    [MALFORMED, 'header.jwk', privateJWK, { ...publicJWK, d: '' }],
    [MALFORMED, 'header.jwk', without(publicJWK, 'kty'), { ...publicJWK, kty: 'RSA' }],
    [MALFORMED, 'header.jwk', without(publicJWK, 'crv'), without(publicJWK, 'y')],
    [MALFORMED, 'header.jwk', { ...publicJWK, x: offCurve }],
    [MALFORMED, 'header.jwk', { ...publicJWK, x: publicJWK.x!.slice(4) }],
    [MALFORMED, 'header.jwk', { ...publicJWK, use: 'enc' }, { ...publicJWK, key_ops: ['sign'] }],
    [MALFORMED, 'header.jwk', { ...publicJWK, alg: 'ES384' }],
    [OTHER_TOKEN, 'header.jwk', { ...publicJWK, x: withZero }, { ...publicJWK, crv: 'P-384' }],
  ]
  test.each(toCases(rows))('$part $value gets $outcome', async ({ changes: proof, outcome }) => {
    vi.useFakeTimers({ toFake: ['Date'], now: NOW * SECOND })
    expect(await judge({ proof })).toBe(outcome)
  })
})

test.each<[string, string, (proof: string) => string[]]>([
  ['the proof twice', MALFORMED, (proof) => [proof, proof]],
  ['an empty text after the proof', MALFORMED, (proof) => [proof, '']],
  ['padding', MALFORMED, (proof) => [`${proof}==`]],
  ['a space inside', MALFORMED, (proof) => [proof.replace('.', ' .')]],
  ['four parts', MALFORMED, (proof) => [`${proof}.x`]],
  ['one part', MALFORMED, () => ['x']],
  ['other claims', FORGED, (proof) => [proof.replace(/\..*\./, '.e30.')]],
])('the header DPoP with %s gets %s', async (_, outcome, headers) => {
  expect(await judge({ headers })).toBe(outcome)
})

test.each([
  [4_096, VALID],
  [4_097, MALFORMED],
])('a proof of %d bytes gets %s', async (bytes, outcome) => {
  const proof = async (request: ProvenRequest) => {
    const { length } = await makeProof(client, request, { header: { kid: '' }, claims: { x: '' } })
    const missing = Math.floor(((bytes - length) * 3) / 4)
    // Base64url has no text of some lengths, so that claims alone do not reach every size.
    for (let step = 0; step < 12; step += 1) {
      const header = { kid: 'x'.repeat(Math.floor(step / 4)) }
      const claims = { x: 'x'.repeat(missing - (step % 4)) }
      const made = await makeProof(client, request, { header, claims })
      if (made.length === bytes) return { header, claims }
    }
    throw new Error(`no proof has ${bytes} bytes`)
  }
  expect(await judge({ proof })).toBe(outcome)
})

test.each(['1e400', '-1e400'])('rejects the time %s, which JSON reads as infinite', async (iat) => {
  const proof = async ({ url, token }: ProvenRequest) => {
    const claims = JSON.stringify({ jti: 'x', htm: 'DELETE', htu: url, ath: await hash(token) })
    return { payloadText: `${claims.slice(0, -1)},"iat":${iat}}` }
  }
  expect(await judge({ proof })).toBe(STALE)
})

test.each<[string, string, (own: string) => string]>([
  ['the hash of the token', VALID, (own) => own],
  ['padding', OTHER_TOKEN, (own) => `${own}=`],
  ['capitals', OTHER_TOKEN, (own) => own.toUpperCase()],
])('a proof with %s in ath gets %s', async (_, outcome, change) => {
  const proof = async ({ token }: ProvenRequest) => ({ claims: { ath: change(await hash(token)) } })
  expect(await judge({ proof })).toBe(outcome)
})

test.each(ALGORITHMS)('accepts a key for %s', async (algorithm) => {
  expect(await judge({ key: await createClientKey(algorithm) })).toBe(VALID)
})

test('accepts no key but the one that the token names', async () => {
  const key = await createClientKey()
  for (const jkt of [client.jkt, '', key.jkt.toLowerCase(), `${key.jkt}=`, key.publicJWK.x]) {
    expect(await judge({ key, claims: { cnf: { jkt } } })).toBe(OTHER_TOKEN)
  }
})

test('rejects an RSA key that is private, small, has the exponent 1 or signs by RS384', async () => {
  expect(await judge({ key: rsa })).toBe(VALID)
  for (const jwk of [rsa.privateJWK, { ...rsa.publicJWK, e: 'AQ' }]) {
    expect(await judge({ key: rsa, proof: { header: { jwk } } })).toBe(MALFORMED)
  }
  expect(await judge({ key: weak })).toBe(MALFORMED)
  const key = await toClientKey(await useFor('RS384', rsa))
  expect(await judge({ key })).toBe(MALFORMED)
})

const of = (userID: string) => `/api/v1/organizations/o/users/${userID}`

describe('a proof for the URL', () => {
  const U = of('u')
  const ODD = encodeURIComponent("a ~é/'%2f(b)")
  const SAME = '403 not_permitted'

  test.each(
    [
      [SAME, U, `${ORIGIN}${U}`, `${ORIGIN}${U}?a=b&c`, `${ORIGIN}${U}#a`, `${ORIGIN}:443${U}`],
      [SAME, `${U}?a=b`, `${ORIGIN}${U}`],
      [SAME, U, `HTTPS://Identity.EXAMPLE${U}`, `https://%69dentity.example${U}`],
      [SAME, U, `  ${ORIGIN}${U}\n`, `${ORIGIN}${U}`.replaceAll('/', '\\')],
      [SAME, U, `${ORIGIN}${of('%75')}`, `${ORIGIN}/x/..${U}`, `${ORIGIN}${of('x/%2e%2e/u')}`],
      [SAME, of('~u'), `${ORIGIN}${of('%7Eu')}`],
      [SAME, of('%7eu'), `${ORIGIN}${of('~u')}`],
      [SAME, of(ODD), `${ORIGIN}${of(ODD)}`, `${ORIGIN}${of(ODD.replaceAll('%20', ' '))}`],
      [SAME, of('%C3%A9'), `${ORIGIN}${of('é')}`],
      [SAME, of('%zz'), `${ORIGIN}${of('%zz')}`],

      [OTHER_REQUEST, U, `${ORIGIN}${of('v')}`, `${ORIGIN}${of('U')}`, `${ORIGIN}${of('uu')}`],
      [OTHER_REQUEST, of('uu'), `${ORIGIN}${U}`],
      [OTHER_REQUEST, of('%ZZ'), `${ORIGIN}${of('%zz')}`],
      [OTHER_REQUEST, of('a%252Fb'), `${ORIGIN}${of('a%2Fb')}`],
      [OTHER_REQUEST, of('%C3%A9'), `${ORIGIN}${of('e%CC%81')}`],
      [OTHER_REQUEST, U, `${ORIGIN}/api/v1/organizations/O/users/u`, `${ORIGIN}/API${U.slice(4)}`],
      [OTHER_REQUEST, U, `${ORIGIN}/api/v1/organizations/o%2Fusers/users/u`],
      [OTHER_REQUEST, U, `${ORIGIN}/%61pi/v1/organizations/o/users/u`],
      [OTHER_REQUEST, U, `${ORIGIN}/api/v1/organizations/o/users`, `${ORIGIN}${U}/groups`],
      [OTHER_REQUEST, U, `${ORIGIN}${U}/`, `${ORIGIN}${U}//`, `${ORIGIN}/${U}`],
      [OTHER_REQUEST, U, `${ORIGIN}${of('/u')}`, `${ORIGIN}:8443${U}`, `blob:${ORIGIN}${U}`],
      [OTHER_REQUEST, U, `http://identity.example${U}`, `http://identity.example:443${U}`],
      [OTHER_REQUEST, U, `https://identity.example.${U}`, `https://identity.example.evil${U}`],
      [OTHER_REQUEST, U, `https://identity.example@evil.example${U}`],
      [OTHER_REQUEST, U, `https://user@identity.example${U}`, `https://:x@identity.example${U}`],
      [OTHER_REQUEST, U, `//identity.example${U}`, U, ORIGIN, 'https://', ''],
    ].flatMap(([outcome = '', path = '', ...urls]) => urls.map((htu) => ({ htu, path, outcome }))),
  )('$htu gets $outcome at $path', async ({ htu, path, outcome }) => {
    expect(await judge({ path, proof: { claims: { htu } } })).toBe(outcome)
  })

  test('in a list names no request', async () => {
    const htu = [`${ORIGIN}${U}`]
    expect(await judge({ path: U, proof: { claims: { htu } } })).toBe(OTHER_REQUEST)
  })
})
