/**
 * Mutations of a valid DPoP request in one place, with the expected verdicts of the Worker and of the oracle: the check
 * that oauth4webapi has for resource servers.
 */
import { base64url } from 'jose'
import type { TokenChanges } from '../../dev/test-issuer.ts'
import { createWeakKey, without } from '../../dev/test-keys.ts'
import { toClientKey, type ClientKey } from '../support/proofs'

/** Changes to a bound token with its proof. */
export interface Changes {
  readonly scheme?: string
  readonly token?: TokenChanges
  readonly proof?: TokenChanges
  /** The values of the header `DPoP`, in place of the proof. */
  readonly headers?: (proof: string) => readonly string[]
  /** Changes the token after the proof is made. */
  readonly alter?: (token: string) => string
  /** The key of the proof, in place of the one that the token names. */
  readonly key?: ClientKey
}

/** The request to change. */
export interface Original {
  readonly key: ClientKey
  /** The key of another client. */
  readonly other: ClientKey
  readonly url: string
  /** A number from 0 to below 1, which chooses a place or a value. */
  readonly chance: number
}

export type Verdict = 'valid' | 'invalid'

type Mutate = (original: Original) => Changes

/** One mutation. Without verdicts, the two must agree. */
export interface Mutation {
  readonly name: string
  readonly mutate: Mutate
  readonly worker?: Verdict | undefined
  readonly oracle?: Verdict | undefined
}

function judged(
  { worker, oracle }: Pick<Mutation, 'worker' | 'oracle'>,
  mutations: Readonly<Record<string, Mutate>>,
): Mutation[] {
  return Object.entries(mutations).map(([name, mutate]) => ({ name, mutate, worker, oracle }))
}

const bothAccept = { worker: 'valid', oracle: 'valid' } as const
const bothReject = { worker: 'invalid', oracle: 'invalid' } as const
const workerRejects = { worker: 'invalid', oracle: 'valid' } as const
const workerAccepts = { worker: 'valid', oracle: 'invalid' } as const

const seconds = () => Math.floor(Date.now() / 1_000)
const between = (low: number, high: number, chance: number) =>
  low + Math.floor(chance * (high - low + 1))
const pick = <T>(values: readonly T[], chance: number): T =>
  values[Math.floor(chance * values.length)]!

const claims = (changes: Record<string, unknown>): Changes => ({ proof: { claims: changes } })
const header = (changes: Record<string, unknown>): Changes => ({ proof: { header: changes } })
const token = (changes: Record<string, unknown>): Changes => ({ token: { claims: changes } })
const text = (alter: (proof: string) => string): Mutate => {
  return () => ({ headers: (proof) => [alter(proof)] })
}

/** A claim of the proof, with one of the values. */
const claim = (name: string, ...values: readonly unknown[]): Mutate => {
  return ({ chance }) => claims({ [name]: pick(values, chance) })
}
/** A member of the proof's header, with one of the values. */
const member = (name: string, ...values: readonly unknown[]): Mutate => {
  return ({ chance }) => header({ [name]: pick(values, chance) })
}
/** A time of the proof, in seconds from now. */
const issued = (from: number, until: number): Mutate => {
  return ({ chance }) => claims({ iat: seconds() + between(from, until, chance) })
}
/** One of these URLs as `htu`. */
const htu = (list: (url: string) => readonly unknown[]): Mutate => {
  return ({ url, chance }) => claims({ htu: pick(list(url), chance) })
}
/** The URL with one of these paths as `htu`. */
const htuPath = (list: (path: string) => readonly string[]): Mutate =>
  htu((url) => list(new URL(url).pathname).map((path) => new URL(url).origin + path))

/** Replaces one character of base64url by another. */
function replaceCharacter(jws: string, chance: number): string {
  const at = Math.floor(chance * jws.length)
  if (jws[at] === '.') return replaceCharacter(jws, chance / 2)
  return `${jws.slice(0, at)}${jws[at] === 'A' ? 'B' : 'A'}${jws.slice(at + 1)}`
}

const escapeLast = (path: string): string =>
  path.replace(/[^/]$/, (character) => `%${character.charCodeAt(0).toString(16)}`)

/** All mutations. */
export async function createMutations(): Promise<readonly Mutation[]> {
  const weak = await toClientKey(await createWeakKey())
  return [
    ...judged(bothAccept, {
      'htu with a query or a fragment': htu((url) =>
        ['?a=b', '#a', '?', '?a#b'].map((end) => url + end),
      ),
      'htu that the URL standard reads as the same': htu((url) => [
        url.replace('http', 'HTTP'),
        ` ${url}\n`,
        url.replace('/api', '/x/../api'),
        url.replace('/api', '/%2e/api'),
        url.replaceAll('/', '\\'),
      ]),
      'unknown claims': () => claims({ nonce: 'x', sub: 5 }),
      'unknown header members': () => header({ kid: 'x', jku: 'https://x' }),
      'typ as a media type': member('typ', 'DPoP+JWT', 'application/dpop+jwt'),
      'a proof that is up to 60 s old': issued(-50, -1),
      'a proof that is up to 30 s ahead': issued(1, 28),
      'a time with a fraction': ({ chance }) => claims({ iat: seconds() + chance }),
      'the scheme in another case': ({ chance }) => ({
        scheme: pick(['dpop', 'DPOP', 'DPoP  '], chance),
      }),
      'an unbound token under Bearer': () => ({
        scheme: 'Bearer',
        ...token({ cnf: undefined }),
        headers: () => [],
      }),
      'exp and nbf in the proof': () => claims({ exp: seconds() + 60, nbf: seconds() }),
    }),

    ...judged(
      {},
      {
        'one character of the proof': ({ chance }) => ({
          headers: (proof) => [replaceCharacter(proof, chance)],
        }),
        'one character of the token': ({ chance }) => ({
          alter: (signed) => replaceCharacter(signed, chance),
        }),
      },
    ),

    ...judged(bothReject, {
      'no proof': () => ({ headers: () => [] }),
      'an empty proof': text(() => ''),
      'the proof twice': () => ({ headers: (proof) => [proof, proof] }),
      'the proof twice, with a comma': text((proof) => `${proof},${proof}`),
      'the start of a proof': ({ chance }) => ({
        headers: (proof) => [proof.slice(0, chance * (proof.length - 3))],
      }),
      'a proof with four parts': text((proof) => `${proof}.x`),
      'a proof with its parts reversed': text((proof) => proof.split('.').toReversed().join('.')),
      'a proof that is not base64url': text(() => 'x.y.z'),
      'a bound token under Bearer': () => ({ scheme: 'Bearer' }),
      'a bound token alone': () => ({ scheme: 'Bearer', headers: () => [] }),
      'an unbound token under DPoP': () => token({ cnf: undefined }),
      'a token that names another key': ({ other }) => token({ cnf: { jkt: other.jkt } }),
      'a proof by another key': ({ other }) => ({ key: other }),
      'a signature by another key': ({ other }) => ({ proof: { sign: other.sign } }),
      'cnf with another member': ({ key, chance }) =>
        token({ cnf: { jkt: key.jkt, [pick(['x5t#S256', 'jwk', 'kid'], chance)]: 'x' } }),
      'cnf without a thumbprint': ({ chance }) =>
        token({ cnf: pick([{ 'x5t#S256': 'x' }, null, 'x', [], { jkt: 5 }, {}], chance) }),
      'an expired token': ({ chance }) => token({ exp: seconds() - between(60, 9e5, chance) }),
      'a token of another issuer': () => token({ iss: 'https://other.example' }),
      'a token for another audience': () => token({ aud: 'https://other.example' }),
      'another typ': member('typ', 'JWT', 'at+jwt', '', null, undefined, 5, 'dpop'),
      'another alg': ({ key, chance }) => {
        const all = ['none', 'HS256', 'RS384', '', null, 'ES256', 'RS256']
        return header({
          alg: pick(
            all.filter((alg) => alg !== key.algorithm),
            chance,
          ),
        })
      },
      crit: ({ chance }) => header({ crit: pick([['x'], [], 'x', null], chance), x: 1 }),
      'another method': claim('htm', 'GET', 'delete', 'DELETE ', '', undefined, null, ['DELETE']),
      'another user or organization': htuPath((path) => [
        path.toUpperCase(),
        `${path}x`,
        `${path}/`,
        path.slice(0, -1),
        '/',
        '',
      ]),
      'a double slash, or another segment': htuPath((path) => [
        `/${path}`,
        path.replace('/users/', '//users/'),
        `${path}/x`,
      ]),
      'another host': htu((url) => [
        ...['localhost', '127.0.0.2'].map((host) => url.replace(new URL(url).hostname, host)),
        url.replace(/:\d+/, ''),
        url.replace('http:', 'https:'),
        `blob:${url}`,
        url.replace('//', '//user@'),
        url.replace('//', '//:x@'),
      ]),
      'no URL': htu((url) => [undefined, null, '', 5, [url], 'http://', new URL(url).pathname]),
      'a proof that is older than 300 s': issued(-9e6, -310),
      'a proof that is more than 300 s ahead': issued(310, 9e6),
      'a time that is not a number': claim('iat', undefined, null, '1', [], true),
      'no jti': claim('jti', undefined, null, 5, ['x']),
      'another hash of the token': claim(
        'ath',
        undefined,
        null,
        '',
        'x',
        base64url.encode('x'.repeat(32)),
      ),
      'an expired proof': () => claims({ exp: seconds() - 60 }),
      'a proof whose nbf is ahead': () => claims({ nbf: seconds() + 60 }),
      'no public key': member('jwk', undefined, null, 'x', [], {}, { kty: 'oct', k: 'eA' }),
      'a list with the public key': ({ key }) => header({ jwk: [key.publicJWK] }),
      'the private key': ({ key }) => header({ jwk: without(key.privateJWK, 'kid', 'alg', 'use') }),
      'a key without a member': ({ key, chance }) => {
        const members = Object.keys(key.publicJWK) as (keyof typeof key.publicJWK)[]
        return header({ jwk: without(key.publicJWK, pick(members, chance)) })
      },
      'the key of another client': ({ other }) => header({ jwk: other.publicJWK }),
      'an RSA key of 1,024 bits': () => ({ key: weak, ...token({ cnf: { jkt: weak.jkt } }) }),
    }),

    // The Worker accepts 60 s in the past and 30 s ahead; the oracle 300 s both ways.
    ...judged(workerRejects, {
      'a proof that is 61 to 300 s old': issued(-290, -65),
      'a proof that is 31 to 300 s ahead': issued(40, 290),
    }),
    // The Worker limits the length of `jti` and the size of a proof.
    ...judged(workerRejects, {
      'an empty jti': claim('jti', ''),
      'a jti above 255': claim('jti', 'x'.repeat(256), 'x'.repeat(1_000)),
      'a proof above 4 KiB': claim('x', 'x'.repeat(4_096)),
    }),
    // In the Worker, jose reads `use` and `key_ops` of a key.
    ...judged(workerRejects, {
      'a key for encryption': ({ key }) => header({ jwk: { ...key.publicJWK, use: 'enc' } }),
      'a key for signing': ({ key }) => header({ jwk: { ...key.publicJWK, key_ops: ['sign'] } }),
    }),
    // A token with `cnf` is bound, so it is not a bearer token.
    ...judged(workerRejects, {
      'cnf {} under Bearer': () => ({ scheme: 'Bearer', ...token({ cnf: {} }), headers: () => [] }),
    }),
    // The URLs have the same meaning; the oracle compares them as text.
    ...judged(workerAccepts, {
      'other escapes of the same path': htuPath((path) => [
        escapeLast(path),
        path.replace('~', '%7e'),
      ]),
    }),
    // A bearer token takes no proof.
    ...judged(workerAccepts, {
      'an unbound token beside a proof': () => ({ scheme: 'Bearer', ...token({ cnf: undefined }) }),
    }),
    // In the Worker, jose knows `b64`, and true is its default.
    ...judged(workerAccepts, {
      'crit with b64 that is true': () => header({ crit: ['b64'], b64: true }),
    }),
    // A proof has no such claims.
    ...judged(workerAccepts, {
      'iss and aud of the proof with a wrong type': () => claims({ iss: 5, aud: 5 }),
    }),
  ]
}
