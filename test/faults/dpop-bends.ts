/**
 * Ways to change a valid DPoP request in one place, with the verdicts of two judges: this Worker, and the check that
 * oauth4webapi has for resource servers. If they differ, the table says why.
 */
import { base64url } from 'jose'
import type { TokenChanges } from '../../dev/test-issuer.ts'
import { createWeakKey, without, type SigningKey } from '../../dev/test-keys.ts'
import { toClientKey, type ClientKey } from '../support/proofs'

/** What differs from a bound token with its proof. */
export interface Bent {
  readonly scheme?: string
  /** Changes to the token. */
  readonly token?: TokenChanges
  /** Changes to the proof. */
  readonly proof?: TokenChanges
  /** The values of the header `DPoP`, in place of the proof. */
  readonly headers?: (proof: string) => readonly string[]
  /** Changes the token after the proof is made. */
  readonly alter?: (token: string) => string
  /** The key of the proof, in place of the one that the token names. */
  readonly key?: ClientKey
}

/** What a bend starts from. */
export interface Straight {
  readonly key: ClientKey
  /** The key of another client. */
  readonly other: ClientKey
  readonly url: string
  /** A number from 0 to below 1, which chooses a place or a value. */
  readonly chance: number
}

/** The verdict of a judge. */
export type Verdict = 'valid' | 'invalid'

/** One way to bend a request. */
export interface Bend {
  readonly name: string
  readonly bend: (from: Straight) => Bent
  /** What this Worker says; undefined if it can be either, and is that of oauth4webapi. */
  readonly here?: Verdict | undefined
  /** What oauth4webapi says. */
  readonly there?: Verdict | undefined
  /** Why they differ. */
  readonly why?: string
}

type Make = (from: Straight) => Bent

const judged =
  (here?: Verdict, there?: Verdict) =>
  (name: string, bend: Make): Bend => ({ name, bend, here, there })
const valid = judged('valid', 'valid')
const invalid = judged('invalid', 'invalid')
const either = judged()
const stricter = (name: string, why: string, bend: Make): Bend => ({
  ...judged('invalid', 'valid')(name, bend),
  why,
})
const milder = (name: string, why: string, bend: Make): Bend => ({
  ...judged('valid', 'invalid')(name, bend),
  why,
})

const seconds = () => Math.floor(Date.now() / 1_000)
const between = (low: number, high: number, chance: number) =>
  low + Math.floor(chance * (high - low + 1))
const claims = (changes: Record<string, unknown>): Bent => ({ proof: { claims: changes } })
const header = (changes: Record<string, unknown>): Bent => ({ proof: { header: changes } })
const token = (changes: Record<string, unknown>): Bent => ({ token: { claims: changes } })
const text = (alter: (proof: string) => string): Bent => ({ headers: (proof) => [alter(proof)] })
const pick = <T>(values: readonly T[], chance: number): T =>
  values[Math.floor(chance * values.length)]!

/** Replaces one character of base64url by another. */
function spoil(jws: string, chance: number): string {
  const at = Math.floor(chance * jws.length)
  if (jws[at] === '.') return spoil(jws, chance / 2)
  return `${jws.slice(0, at)}${jws[at] === 'A' ? 'B' : 'A'}${jws.slice(at + 1)}`
}

/** Changes the path of a URL. */
function withPath(url: string, change: (path: string) => string): string {
  const { origin, pathname } = new URL(url)
  return origin + change(pathname)
}

const host = (url: string, name: string) => url.replace(new URL(url).hostname, name)

/** Every way. */
export async function createBends(): Promise<readonly Bend[]> {
  const weak = await toClientKey(await createWeakKey())
  const TIME = 'a proof serves for 60 s here, and may be 30 s ahead; there 300 s, both ways'
  const JTI = 'this Worker bounds jti'
  const SIZE = 'this Worker bounds the size of a proof'
  const JWK = 'jose, here, reads use, key_ops and alg of a key'
  const ESCAPES = 'the URLs mean the same; there they are compared as text'

  return [
    valid('htu with a query or a fragment', ({ url, chance }) =>
      claims({ htu: url + pick(['?a=b', '#a', '?', '?a#b'], chance) }),
    ),
    valid('htu that the URL standard reads as the same', ({ url, chance }) =>
      claims({
        htu: pick(
          [
            url.replace('http', 'HTTP'),
            ` ${url}\n`,
            withPath(url, (path) => `/x/..${path}`),
            withPath(url, (path) => `/%2e${path}`),
            url.replaceAll('/', '\\'),
          ],
          chance,
        ),
      }),
    ),
    valid('a claim that the RFC does not know', () => claims({ nonce: 'x', sub: 5 })),
    valid('a header that the RFC does not know', () => header({ kid: 'x', jku: 'https://x' })),
    valid('typ as a media type', ({ chance }) =>
      header({ typ: pick(['DPoP+JWT', 'application/dpop+jwt'], chance) }),
    ),
    valid('a proof that is up to 60 s old', ({ chance }) =>
      claims({ iat: seconds() - between(1, 50, chance) }),
    ),
    valid('a proof that is up to 30 s ahead', ({ chance }) =>
      claims({ iat: seconds() + between(1, 28, chance) + chance }),
    ),
    valid('the scheme in another case', ({ chance }) => ({
      scheme: pick(['dpop', 'DPOP', 'DPoP  '], chance),
    })),
    valid('an unbound token under Bearer', () => ({
      scheme: 'Bearer',
      ...token({ cnf: undefined }),
      headers: () => [],
    })),
    valid('exp and nbf in the proof', () => claims({ exp: seconds() + 60, nbf: seconds() })),

    either('one character of the proof', ({ chance }) => text((proof) => spoil(proof, chance))),
    either('one character of the token', ({ chance }) => ({
      alter: (made) => spoil(made, chance),
    })),

    invalid('no proof', () => ({ headers: () => [] })),
    invalid('an empty proof', () => text(() => '')),
    invalid('the proof twice', () => ({ headers: (proof) => [proof, proof] })),
    invalid('the proof twice, with a comma', () => text((proof) => `${proof},${proof}`)),
    invalid('the start of a proof', ({ chance }) =>
      text((proof) => proof.slice(0, chance * (proof.length - 3))),
    ),
    invalid('a proof with a part more', () => text((proof) => `${proof}.x`)),
    invalid('the token as the proof', ({ chance }) => ({
      headers: (proof) => [pick([proof.split('.').toReversed().join('.'), 'x.y.z'], chance)],
    })),
    invalid('a bound token under Bearer', () => ({ scheme: 'Bearer' })),
    invalid('a bound token alone', () => ({ scheme: 'Bearer', headers: () => [] })),
    invalid('an unbound token under DPoP', () => token({ cnf: undefined })),
    invalid('a token that names another key', ({ other }) => token({ cnf: { jkt: other.jkt } })),
    invalid('a proof by another key', ({ other }) => ({ key: other })),
    invalid('a signature by another key', ({ other }) => ({ proof: { sign: other.sign } })),
    invalid('cnf with another member', ({ key, chance }) =>
      token({ cnf: { jkt: key.jkt, [pick(['x5t#S256', 'jwk', 'kid'], chance)]: 'x' } }),
    ),
    invalid('cnf that names no thumbprint', ({ chance }) =>
      token({ cnf: pick([{ 'x5t#S256': 'x' }, null, 'x', [], { jkt: 5 }, {}], chance) }),
    ),
    invalid('an expired token', ({ chance }) =>
      token({ exp: seconds() - between(60, 9e5, chance) }),
    ),
    invalid('a token of another issuer', () => token({ iss: 'https://other.example' })),
    invalid('a token for another audience', () => token({ aud: 'https://other.example' })),
    invalid('another typ', ({ chance }) =>
      header({ typ: pick(['JWT', 'at+jwt', '', null, undefined, 5, 'dpop'], chance) }),
    ),
    invalid('another alg', ({ key, chance }) =>
      header({
        alg: pick(
          ['none', 'HS256', 'RS384', '', null, 'ES256', 'RS256'].filter(
            (alg) => alg !== key.algorithm,
          ),
          chance,
        ),
      }),
    ),
    invalid('crit', ({ chance }) => header({ crit: pick([['x'], [], 'x', null], chance), x: 1 })),
    invalid('another method', ({ chance }) =>
      claims({ htm: pick(['GET', 'delete', 'DELETE ', '', undefined, null, ['DELETE']], chance) }),
    ),
    invalid('another user or organization', ({ url, chance }) =>
      claims({
        htu: withPath(url, (path) =>
          pick([path.toUpperCase(), `${path}x`, `${path}/`, path.slice(0, -1), '/', ''], chance),
        ),
      }),
    ),
    invalid('a double slash, or another segment', ({ url, chance }) =>
      claims({
        htu: withPath(url, (path) =>
          pick([`/${path}`, path.replace('/users/', '//users/'), `${path}/x`], chance),
        ),
      }),
    ),
    invalid('another host', ({ url, chance }) =>
      claims({
        htu: pick(
          [
            host(url, 'localhost'),
            host(url, '127.0.0.2'),
            `${new URL(url).protocol}//127.0.0.1${new URL(url).pathname}`,
            url.replace('http:', 'https:'),
            `blob:${url}`,
            url.replace('//', '//user@'),
            url.replace('//', '//:x@'),
          ],
          chance,
        ),
      }),
    ),
    invalid('no URL', ({ url, chance }) =>
      claims({
        htu: pick([undefined, null, '', 5, [url], 'http://', new URL(url).pathname], chance),
      }),
    ),
    invalid('a proof that is older than 300 s', ({ chance }) =>
      claims({ iat: seconds() - between(310, 9e6, chance) }),
    ),
    invalid('a proof that is more than 300 s ahead', ({ chance }) =>
      claims({ iat: seconds() + between(310, 9e6, chance) }),
    ),
    invalid('a time that is no number', ({ chance }) =>
      claims({ iat: pick([undefined, null, '1', [], true], chance) }),
    ),
    invalid('no jti', ({ chance }) => claims({ jti: pick([undefined, null, 5, ['x']], chance) })),
    invalid('another hash of the token', ({ chance }) =>
      claims({ ath: pick([undefined, null, '', 'x', base64url.encode('x'.repeat(32))], chance) }),
    ),
    invalid('exp of the proof that is over', () => claims({ exp: seconds() - 60 })),
    invalid('nbf of the proof that is ahead', () => claims({ nbf: seconds() + 60 })),
    invalid('no public key', ({ key, chance }) =>
      header({
        jwk: pick([undefined, null, 'x', [], {}, [key.publicJWK], { kty: 'oct', k: 'eA' }], chance),
      }),
    ),
    invalid('the private key', ({ key }) => header({ jwk: withoutNames(key.privateJWK) })),
    invalid('a key without a member', ({ key, chance }) => {
      const members = Object.keys(key.publicJWK) as (keyof typeof key.publicJWK)[]
      return header({ jwk: without(key.publicJWK, pick(members, chance)) })
    }),
    invalid('the key of another client', ({ other }) => header({ jwk: other.publicJWK })),
    invalid('an RSA key of 1,024 bits', () => ({
      key: weak,
      ...token({ cnf: { jkt: weak.jkt } }),
    })),

    stricter('a proof that is 61 to 300 s old', TIME, ({ chance }) =>
      claims({ iat: seconds() - between(65, 290, chance) }),
    ),
    stricter('a proof that is 31 to 300 s ahead', TIME, ({ chance }) =>
      claims({ iat: seconds() + between(40, 290, chance) }),
    ),
    stricter('an empty jti', JTI, () => claims({ jti: '' })),
    stricter('a jti above 255', JTI, ({ chance }) =>
      claims({ jti: 'x'.repeat(between(256, 1_000, chance)) }),
    ),
    stricter('a proof above 4 KiB', SIZE, () => claims({ x: 'x'.repeat(4_096) })),
    stricter('a key for encryption', JWK, ({ key }) =>
      header({ jwk: { ...key.publicJWK, use: 'enc' } }),
    ),
    stricter('a key for signing alone', JWK, ({ key }) =>
      header({ jwk: { ...key.publicJWK, key_ops: ['sign'] } }),
    ),
    stricter('cnf {} under Bearer', 'a token that says it is bound is no bearer token', () => ({
      scheme: 'Bearer',
      ...token({ cnf: {} }),
      headers: () => [],
    })),
    milder('other escapes of the same path', ESCAPES, ({ url, chance }) =>
      claims({
        htu: withPath(url, (path) =>
          pick([path.replace(/[^/]$/, escape), path.replace('~', '%7e')], chance),
        ),
      }),
    ),
    milder('an unbound token and a stray proof', 'a bearer token takes no proof', () => ({
      scheme: 'Bearer',
      ...token({ cnf: undefined }),
    })),
    milder('crit with b64 that is true', 'jose, here, knows it, and it changes nothing', () =>
      header({ crit: ['b64'], b64: true }),
    ),
    milder('iss or aud of the proof of a wrong type', 'a proof has no such claims', () =>
      claims({ iss: 5, aud: 5 }),
    ),
  ]
}

const withoutNames = (jwk: SigningKey['privateJWK']) => without(jwk, 'kid', 'alg', 'use')

function escape(character: string): string {
  return `%${character.charCodeAt(0).toString(16)}`
}
