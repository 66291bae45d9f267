/**
 * Tokens that are bound to a key (DPoP, RFC 9449): which proof makes one valid, and what each refusal says. A refused
 * proof costs no query.
 */
import { env } from 'cloudflare:workers'
import { base64url } from 'jose'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { checkBinding } from '../src/dpop'
import type { IdentityError } from '../src/errors'
import { watch, type WatchedDatabase } from './support/database'
import type { TokenChanges } from '../dev/test-issuer.ts'
import { createKey, createWeakKey, without } from '../dev/test-keys.ts'
import { createClientKey, hash, makeProof, toClientKey, type ClientKey } from './support/proofs'
import type { CallResponse } from './support/worker/caller'
import { MINUTE, passTime, SECOND, stopClock } from './support/worker/clock'
import { readLog } from './support/worker/log'
import { createHarness, type Harness } from './support/worker/harness'

const ORIGIN = 'https://identity.example'
/** The token and the proof are valid: the call names a user that does not exist. */
const ACCEPTED = 404
const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'EdDSA', 'Ed25519'] as const

type Mode = '' | 'accept' | 'require'

/** What a caller presents: a bound token and its proof, except for what is given here. */
interface Presented {
  readonly mode?: Mode
  readonly scheme?: string
  readonly key?: ClientKey
  /** Changes to the claims of the token. */
  readonly claims?: Record<string, unknown>
  /** Changes to the proof; null sends none. */
  readonly proof?: TokenChanges | null
  /** The values of the header `DPoP`, in place of the proof. */
  readonly headers?: (proof: string) => readonly string[]
  readonly path?: string
}

let client: ClientKey
let watched: WatchedDatabase
const harnesses = new Map<Mode, Harness>()

beforeAll(async () => {
  client = await createClientKey()
  watched = watch(env.DB)
  for (const mode of ['', 'accept', 'require'] as const) {
    const vars = { DPOP: mode, DB: watched.db, REQUIRED_SCOPE: 'users' }
    harnesses.set(mode, await createHarness({ vars }))
  }
})

afterEach(() => vi.useRealTimers())

/** A token, the request that its proof must name, and a way to send both. */
async function prepare({ mode = 'accept', key = client, claims, path }: Presented) {
  const { issuer, fixture, call } = harnesses.get(mode)!
  const where = path ?? `/api/v1/organizations/${fixture.organizationID}/users/no-such-user`
  const bound = { scope: 'users', cnf: { jkt: key.jkt }, ...claims }
  const token = await issuer.token(fixture.administrator.person.subject, { claims: bound })
  return {
    request: { url: ORIGIN + where, token },
    send: async (proofs: readonly string[], scheme = 'DPoP'): Promise<CallResponse> => {
      const headers = new Headers(proofs.map((proof): [string, string] => ['DPoP', proof]))
      if (scheme !== '') headers.set('Authorization', `${scheme} ${token}`)
      const before = watched.calls.length
      const response = await call({ path: where, headers })
      expect(response.status === 401 ? watched.calls.slice(before) : []).toEqual([])
      return response
    },
  }
}

async function present(what: Presented): Promise<CallResponse> {
  const { key = client, proof = {}, headers = (made) => [made], scheme } = what
  const { request, send } = await prepare(what)
  const proofs = proof === null ? [] : headers(await makeProof(key, request, proof))
  return send(proofs, scheme)
}

/** The reason of a refusal with 401; the status, if it is another. */
async function outcomeOf(what: Presented): Promise<unknown> {
  const { status, line } = await present(what)
  return status === 401 ? line.reason : status
}

const withClaim = (name: string, value: unknown): Presented => ({
  proof: { claims: { [name]: value } },
})
const withHeader = (name: string, value: unknown): Presented => ({
  proof: { header: { [name]: value } },
})
const altered = (alter: (proof: string) => string): Presented => ({
  headers: (proof) => [alter(proof)],
})

const bearer = (error = '') => `Bearer realm="identity"${error}`
const dpop = (error = '') => `DPoP realm="identity"${error}, algs="${ALGORITHMS.join(' ')}"`

describe('the mode, the scheme and the binding of the token decide together', () => {
  const INVALID = ', error="invalid_token", error_description="the access token is invalid"'
  const EXPIRED = ', error="invalid_token", error_description="the access token expired"'
  const BAD_PROOF = ', error="invalid_dpop_proof"'
  const NO_SCOPE = ', error="insufficient_scope", scope="users"'
  const both = (inBearer = '', inDpop = '') => `${bearer(inBearer)}, ${dpop(inDpop)}`

  const bound: Presented = {}
  const none: Presented = { scheme: '', proof: null }
  const unbound: Presented = { claims: { cnf: undefined } }
  const plain: Presented = { ...unbound, scheme: 'Bearer', proof: null }
  const copied: Presented = { scheme: 'Bearer', proof: null }
  const noProof: Presented = { proof: null }
  const badProof = withClaim('htm', 'POST')
  const expired: Presented = { claims: { exp: 1 } }
  const noScope: Presented = { claims: { scope: 'other' } }

  test.each<[Mode, string, unknown, Presented, string?]>([
    ['', 'nothing', 'token_missing', none, bearer()],
    ['', 'an unbound token', ACCEPTED, plain],
    ['', 'an unbound token and a stray proof', ACCEPTED, { ...plain, proof: {} }],
    ['', 'a bound token alone', 'jwt_sender_constrained', copied, bearer(INVALID)],
    ['', 'a bound token with its proof', 'token_missing', bound, bearer()],

    ['accept', 'nothing', 'token_missing', none, both()],
    ['accept', 'another scheme', 'token_missing', { scheme: 'Basic' }, both()],
    ['accept', 'a longer name of a scheme', 'token_missing', { scheme: 'DPoPs' }, both()],
    ['accept', 'an unbound token', ACCEPTED, plain],
    ['accept', 'an unbound token and a stray proof', ACCEPTED, { ...plain, proof: {} }],
    ['accept', 'an unbound token under DPoP', 'dpop_token_mismatch', unbound, both('', INVALID)],
    ['accept', 'the same without a proof', 'dpop_token_mismatch', { ...unbound, ...noProof }],
    ['accept', 'a bound token with its proof', ACCEPTED, bound],
    ['accept', 'the scheme in capitals', ACCEPTED, { scheme: 'DPOP' }],
    ['accept', 'spaces behind the scheme', ACCEPTED, { scheme: 'dpop  ' }],
    ['accept', 'a bound token alone', 'dpop_missing', copied, both(INVALID)],
    ['accept', 'the same with its proof', 'dpop_missing', { ...copied, proof: {} }, both(INVALID)],
    ['accept', 'no proof', 'dpop_missing', noProof, both('', INVALID)],
    ['accept', 'an empty proof', 'dpop_missing', altered(() => '')],
    ['accept', 'a bad proof', 'dpop_request_mismatch', badProof, both('', BAD_PROOF)],
    ['accept', 'an expired token', 'jwt_expired', { ...copied, ...expired }, both(EXPIRED)],
    [
      'accept',
      'that and a bad proof',
      'jwt_expired',
      { ...badProof, ...expired },
      both('', EXPIRED),
    ],
    ['accept', 'no scope', 403, noScope, both(NO_SCOPE)],
    ['accept', 'that and a bad proof', 'dpop_request_mismatch', { ...badProof, ...noScope }],

    ['require', 'nothing', 'token_missing', none, dpop()],
    ['require', 'an unbound token', 'dpop_required', plain, dpop(INVALID)],
    ['require', 'an unbound token under DPoP', 'dpop_required', unbound, dpop(INVALID)],
    ['require', 'a bound token with its proof', ACCEPTED, bound],
    ['require', 'a bound token alone', 'dpop_missing', copied, dpop(INVALID)],
    ['require', 'a bad proof', 'dpop_request_mismatch', badProof, dpop(BAD_PROOF)],
    ['require', 'an expired token', 'jwt_expired', { ...copied, ...expired }, dpop(EXPIRED)],
    ['require', 'no scope', 403, noScope, dpop(NO_SCOPE)],
  ])('DPOP "%s", %s: %s', async (mode, _, outcome, what, challenge) => {
    const { status, line, headers } = await present({ ...what, mode })
    expect(status === 401 ? line.reason : status).toBe(outcome)
    const seen = headers.get('WWW-Authenticate')
    expect(seen).toBe(challenge ?? seen)
  })

  const others = [{ jwk: {} }, { 'x5t#S256': 'x' }, { kid: '' }, { x: null }]
  const withOthers = others.map((other) => ({ jkt: 'x', ...other }))
  test.each([{}, null, 'x', [], ['jkt'], { jkt: 5 }, { jkt: null }, ...others, ...withOthers])(
    'a token with cnf %j is refused, whatever comes with it',
    async (cnf) => {
      const claims = { cnf }
      for (const mode of ['', 'accept', 'require'] as const) {
        const outcome = mode === '' ? 'token_missing' : 'jwt_sender_constrained'
        expect(await outcomeOf({ mode, claims })).toBe(outcome)
        const underBearer = await outcomeOf({ mode, claims, scheme: 'Bearer' })
        expect(underBearer).toBe('jwt_sender_constrained')
      }
    },
  )
})

test('a bound token deletes a user with one query batch, and nothing of its proof is logged', async () => {
  const { target } = harnesses.get('require')!.fixture
  const path = `/api/v1/organizations/${target.organizationID}/users/${target.userID}`
  const { request, send } = await prepare({ mode: 'require', path })
  const proof = await makeProof(client, request)
  const before = watched.calls.length
  expect((await send([proof])).status).toBe(200)
  expect(watched.calls.slice(before)).toEqual(['batch'])
  // No `jti` is remembered: the same proof again can only ask for the same deletion.
  expect((await send([proof])).status).toBe(404)
  const parts = [...proof.split('.'), client.jkt, client.publicJWK.x!]
  expect(parts.filter((part) => readLog().join().includes(part))).toEqual([])
})

describe('the proof', () => {
  const forged: TokenChanges = { sign: async () => new Uint8Array(64).fill(1) }
  const unsigned = { header: { alg: 'none' }, sign: async () => new Uint8Array() }

  test.each<[string, string | number, Presented]>([
    ['its type as a media type', ACCEPTED, withHeader('typ', 'Application/DPoP+JWT')],
    ['more members in its header', ACCEPTED, withHeader('kid', 'x')],
    ['more claims', ACCEPTED, withClaim('nonce', 'x')],
    ['a jti of 255 characters', ACCEPTED, withClaim('jti', 'é'.repeat(255))],

    ['a second one beside it', 'dpop_malformed', { headers: (proof) => [proof, proof] }],
    ['an empty second one', 'dpop_malformed', { headers: (proof) => [proof, ''] }],
    ['padding', 'dpop_malformed', altered((proof) => `${proof}=`)],
    ['a space inside', 'dpop_malformed', altered((proof) => proof.replace('.', ' .'))],
    ['four parts', 'dpop_malformed', altered((proof) => `${proof}.x`)],
    ['one part', 'dpop_malformed', altered(() => 'x')],
    ['typ JWT', 'dpop_malformed', withHeader('typ', 'JWT')],
    ['no typ', 'dpop_malformed', withHeader('typ', undefined)],
    ['typ null', 'dpop_malformed', withHeader('typ', null)],
    ['no signature', 'dpop_malformed', { proof: unsigned }],
    ['alg HS256', 'dpop_malformed', withHeader('alg', 'HS256')],
    ['alg RS384', 'dpop_malformed', withHeader('alg', 'RS384')],
    ['alg ES512 and a key for ES256', 'dpop_malformed', withHeader('alg', 'ES512')],
    ['an extension that is not understood', 'dpop_malformed', withHeader('crit', ['x'])],
    ['a list as its header', 'dpop_malformed', { proof: { headerText: '[]' } }],
    ['a text as its claims', 'dpop_malformed', { proof: { payloadText: '"x"' } }],
    ['no jti', 'dpop_malformed', withClaim('jti', undefined)],
    ['an empty jti', 'dpop_malformed', withClaim('jti', '')],
    ['a number as jti', 'dpop_malformed', withClaim('jti', 7)],
    ['a jti of 256 characters', 'dpop_malformed', withClaim('jti', 'x'.repeat(256))],

    ['another signature', 'dpop_signature_invalid', { proof: forged }],
    [
      'other claims',
      'dpop_signature_invalid',
      altered((proof) => proof.replace(/\..*\./, '.e30.')),
    ],

    ['another method', 'dpop_request_mismatch', withClaim('htm', 'POST')],
    ['the method in lower case', 'dpop_request_mismatch', withClaim('htm', 'delete')],
    ['no method', 'dpop_request_mismatch', withClaim('htm', undefined)],
    ['a list of methods', 'dpop_request_mismatch', withClaim('htm', ['DELETE'])],
    ['no URL', 'dpop_request_mismatch', withClaim('htu', undefined)],
    ['null as URL', 'dpop_request_mismatch', withClaim('htu', null)],

    ['no hash of the token', 'dpop_token_mismatch', withClaim('ath', undefined)],
    ['null as the hash of the token', 'dpop_token_mismatch', withClaim('ath', null)],

    ['no time', 'dpop_stale', withClaim('iat', undefined)],
    ['a text as time', 'dpop_stale', withClaim('iat', '1')],
    ['an exp of its own that is over', 'dpop_stale', withClaim('exp', 1)],
    ['an nbf of its own that is ahead', 'dpop_stale', withClaim('nbf', 9_999_999_999)],
  ])('with %s: %s', async (_, outcome, what) => {
    expect(await outcomeOf(what)).toBe(outcome)
  })

  test.each([
    ['of the token', ACCEPTED, (token: string) => hash(token)],
    ['of another token', 401, (token: string) => hash(`${token}x`)],
    ['with padding', 401, async (token: string) => `${await hash(token)}=`],
    ['in capitals', 401, async (token: string) => (await hash(token)).toUpperCase()],
  ])('with the hash %s: %i', async (_, status, makeHash) => {
    const { request, send } = await prepare({})
    const claims = { ath: await makeHash(request.token) }
    expect((await send([await makeProof(client, request, { claims })])).status).toBe(status)
  })

  test('of another user, organization or host is refused', async () => {
    const { request, send } = await prepare({})
    const { fixture } = harnesses.get('accept')!
    for (const [from, to] of [
      ['no-such-user', fixture.target.userID],
      [fixture.organizationID, fixture.otherOrganizationID],
      ['identity.example', 'other.example'],
    ] as const) {
      const proof = await makeProof(client, { ...request, url: request.url.replace(from, to) })
      expect((await send([proof])).line.reason).toBe('dpop_request_mismatch')
    }
  })

  test('of 4,096 bytes is accepted, and one of 4,097 is not', async () => {
    const { request, send } = await prepare({})
    const makePadded = (kid: string, x: string) =>
      makeProof(client, request, { header: { kid }, claims: { x } })
    const { length } = await makePadded('', '')
    const proofs = new Map<number, string>()
    // Three bytes are four characters, so the header makes up for what the claims cannot reach.
    for (let more = 0; more < 12; more += 1) {
      const x = 'x'.repeat(Math.floor(((4_096 - length) * 3) / 4) - (more % 4))
      const proof = await makePadded('x'.repeat(Math.floor(more / 4)), x)
      proofs.set(proof.length, proof)
    }
    expect((await send([proofs.get(4_096)!])).status).toBe(ACCEPTED)
    expect((await send([proofs.get(4_097)!])).line.reason).toBe('dpop_malformed')
  })

  test.each([
    [-60, ACCEPTED],
    [-60.5, 'dpop_stale'],
    [-61, 'dpop_stale'],
    [30, ACCEPTED],
    [30.5, 'dpop_stale'],
    [31, 'dpop_stale'],
  ])('with a time %d s from now: %s', async (offset, outcome) => {
    stopClock()
    expect(await outcomeOf(withClaim('iat', Date.now() / SECOND + offset))).toBe(outcome)
  })

  test.each(['1e400', '-1e400', 'null', 'true', '{}'])('with the time %s is stale', async (iat) => {
    const { request, send } = await prepare({})
    const claims = { jti: 'x', htm: 'DELETE', htu: request.url, ath: await hash(request.token) }
    const payloadText = `${JSON.stringify(claims).slice(0, -1)},"iat":${iat}}`
    const { line } = await send([await makeProof(client, request, { payloadText })])
    expect(line.reason).toBe('dpop_stale')
  })

  test('serves for a minute, and then no longer', async () => {
    stopClock()
    const { request, send } = await prepare({})
    const proof = await makeProof(client, request)
    passTime(MINUTE)
    expect((await send([proof])).status).toBe(ACCEPTED)
    passTime(SECOND)
    expect((await send([proof])).line.reason).toBe('dpop_stale')
  })
})

describe('the key of the proof', () => {
  test.each(ALGORITHMS)('can sign by %s', async (algorithm) => {
    expect(await outcomeOf({ key: await createClientKey(algorithm) })).toBe(ACCEPTED)
  })

  test('must be the one that the token names', async () => {
    const key = await createClientKey()
    for (const jkt of [client.jkt, '', key.jkt.toLowerCase(), `${key.jkt}=`, key.publicJWK.x]) {
      expect(await outcomeOf({ key, claims: { cnf: { jkt } } })).toBe('dpop_token_mismatch')
    }
  })

  const offCurve = base64url.encode(new Uint8Array(32).fill(7))
  test.each<[string, (key: ClientKey) => unknown]>([
    ['private', ({ privateJWK }) => without(privateJWK, 'kid', 'alg', 'use')],
    ['one with an empty private member', ({ publicJWK }) => ({ ...publicJWK, d: '' })],
    ['symmetric', () => ({ kty: 'oct', k: 'c2VjcmV0' })],
    ['missing', () => undefined],
    ['null', () => null],
    ['a text', () => 'x'],
    ['a list', ({ publicJWK }) => [publicJWK]],
    ['empty', () => ({})],
    ['one without kty', ({ publicJWK }) => without(publicJWK, 'kty')],
    ['one of another type', ({ publicJWK }) => ({ ...publicJWK, kty: 'RSA' })],
    ['one without crv', ({ publicJWK }) => without(publicJWK, 'crv')],
    ['one without y', ({ publicJWK }) => without(publicJWK, 'y')],
    ['a point beside its curve', ({ publicJWK }) => ({ ...publicJWK, x: offCurve })],
    ['too short', ({ publicJWK }) => ({ ...publicJWK, x: publicJWK.x!.slice(4) })],
    ['one for encryption', ({ publicJWK }) => ({ ...publicJWK, use: 'enc' })],
    ['one for signing alone', ({ publicJWK }) => ({ ...publicJWK, key_ops: ['sign'] })],
    ['one for another algorithm', ({ publicJWK }) => ({ ...publicJWK, alg: 'ES384' })],
  ])('cannot be %s', async (_, jwk) => {
    expect(await outcomeOf(withHeader('jwk', jwk(client)))).toBe('dpop_malformed')
  })

  test('cannot be a private RSA key, one of 1,024 bits or one with the exponent 1', async () => {
    const rsa = await createKey('RS256')
    const key = await toClientKey(rsa)
    const weak = await toClientKey(await createWeakKey())
    expect(await outcomeOf({ key })).toBe(ACCEPTED)
    for (const what of [
      { key, proof: { header: { jwk: rsa.privateJWK } } },
      { key, proof: { header: { jwk: { ...key.publicJWK, e: 'AQ' } } } },
      { key: weak },
    ]) {
      expect(await outcomeOf(what)).toBe('dpop_malformed')
    }
  })

  test('has another thumbprint if it is written in another way', async () => {
    const bytes = base64url.decode(client.publicJWK.x!)
    const x = base64url.encode(new Uint8Array([0, ...bytes]))
    for (const change of [{ x }, { crv: 'P-384' }]) {
      const jwk = { ...client.publicJWK, ...change }
      expect(await outcomeOf(withHeader('jwk', jwk))).toBe('dpop_token_mismatch')
    }
  })
})

const of = (userID: string) => `/api/v1/organizations/o/users/${userID}`

describe('htu', () => {
  const U = '/api/v1/organizations/o/users/u'
  const ODD = encodeURIComponent("a ~é/'%2f(b)")

  test.each<[htu: string, path?: string]>([
    [`${ORIGIN}${U}`],
    [`${ORIGIN}${U}?a=b&c`],
    [`${ORIGIN}${U}#a`],
    [`${ORIGIN}${U}`, `${U}?a=b`],
    [`${ORIGIN}:443${U}`],
    [`HTTPS://Identity.EXAMPLE${U}`],
    [`https://%69dentity.example${U}`],
    [`  ${ORIGIN}${U}\n`],
    [`${ORIGIN}${U}`.replaceAll('/', '\\')],
    [`${ORIGIN}${of('%7Eu')}`, of('~u')],
    [`${ORIGIN}${of('~u')}`, of('%7eu')],
    [`${ORIGIN}${of('%75')}`],
    [`${ORIGIN}/x/..${U}`],
    [`${ORIGIN}${of('x/%2e%2e/u')}`],
    [`${ORIGIN}${of(ODD)}`, of(ODD)],
    [`${ORIGIN}${of(ODD.replaceAll('%20', ' '))}`, of(ODD)],
    [`${ORIGIN}${of('é')}`, of('%C3%A9')],
    [`${ORIGIN}${of('%zz')}`, of('%zz')],
  ])('%j names the request', async (htu, path = U) => {
    // 403: the caller has no permission in this organization.
    expect(await outcomeOf({ path, ...withClaim('htu', htu) })).toBe(403)
  })

  test.each<[htu: string, path?: string]>([
    [`${ORIGIN}${of('v')}`],
    [`${ORIGIN}${of('U')}`],
    [`${ORIGIN}${of('uu')}`],
    [`${ORIGIN}${U}`, of('uu')],
    [`${ORIGIN}${of('%zz')}`, of('%ZZ')],
    [`${ORIGIN}${of('a%2Fb')}`, of('a%252Fb')],
    [`${ORIGIN}${of('e%CC%81')}`, of('%C3%A9')],
    [`${ORIGIN}/api/v1/organizations/O/users/u`],
    [`${ORIGIN}/api/v1/organizations/o%2Fusers/users/u`],
    [`${ORIGIN}/%61pi/v1/organizations/o/users/u`],
    [`${ORIGIN}/API/v1/organizations/o/users/u`],
    [`${ORIGIN}/api/v1/organizations/o/users`],
    [`${ORIGIN}${U}/`],
    [`${ORIGIN}${U}//`],
    [`${ORIGIN}/${U}`],
    [`${ORIGIN}${of('/u')}`],
    [`${ORIGIN}${U}/groups`],
    [`${ORIGIN}:8443${U}`],
    [`http://identity.example${U}`],
    [`http://identity.example:443${U}`],
    [`https://identity.example.${U}`],
    [`https://identity.example.evil.example${U}`],
    [`https://identity.example@evil.example${U}`],
    [`https://user@identity.example${U}`],
    [`https://:secret@identity.example${U}`],
    [`blob:${ORIGIN}${U}`],
    [`//identity.example${U}`],
    [U],
    [ORIGIN],
    ['https://'],
    [''],
  ])('%j does not name the request', async (htu, path = U) => {
    const outcome = await outcomeOf({ path, ...withClaim('htu', htu) })
    expect(outcome).toBe('dpop_request_mismatch')
  })
})

describe('the examples of RFC 9449', () => {
  const jkt = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' // 6.1
  const token = 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU' // 7.1
  const header =
    'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNo' +
    'UklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERW' +
    'clUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19'
  const resourceRequest = {
    time: 1_562_262_618,
    method: 'GET',
    url: 'https://resource.example.org/protectedresource',
    proof:
      `${header}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJj` +
      'ZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0Ra' +
      'NTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6' +
      'pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA',
  }
  const tokenRequest = {
    time: 1_562_262_616,
    method: 'POST',
    url: 'https://server.example.com/token',
    proof:
      `${header}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVy` +
      'LmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUv' +
      'wnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg',
  }

  test.each([
    ['the resource request', 'accepted', resourceRequest, {}],
    ['the same for another token', 'dpop_token_mismatch', resourceRequest, { token: 'x' }],
    ['the same for another key', 'dpop_token_mismatch', resourceRequest, { jkt: 'x' }],
    ['the same a day later', 'dpop_stale', resourceRequest, { time: 1_562_349_018 }],
    ['the token request, without ath', 'dpop_token_mismatch', tokenRequest, {}],
  ])('%s: %s', async (_, outcome, example, changes) => {
    const { time, method, url, proof, ...rest } = { ...example, token, jkt, ...changes }
    vi.useFakeTimers({ toFake: ['Date'], now: time * SECOND })
    const use = { proof, method, isRequestURL: ({ href }: URL) => href === url }
    const check = checkBinding(rest.token, { jkt: rest.jkt }, 'accept', use)
    const reason = await check.then(
      () => 'accepted',
      (error: IdentityError) => error.reason,
    )
    expect(reason).toBe(outcome)
  })
})
