/**
 * A token issuer for tests: its keys, its JWK Set, and tokens with full control of header, claims and raw bytes. Runs
 * in workerd and in Node. It serves no endpoint: see jwks-responders.ts.
 */
import { base64url, type JWK } from 'jose'
import { createKey, type KeyAlgorithm, type SigningKey } from './test-keys.ts'

/** Differences from a valid access token. A member that is undefined is left out. */
export interface TokenChanges {
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: Readonly<Record<string, unknown>>
  readonly headerText?: string
  readonly payloadText?: string
  /** The key that signs, in place of the issuer's first. */
  readonly key?: SigningKey
  /** Makes the signature, in place of the key. */
  readonly sign?: (input: string) => Promise<Uint8Array>
}

/** The variables that make a Worker trust an issuer. */
export interface IssuerVars {
  readonly TOKEN_ISSUER: string
  readonly TOKEN_AUDIENCE: string
  readonly JWKS_URL: string
}

/** An issuer of access tokens (RFC 9068). */
export type Issuer = Awaited<ReturnType<typeof createIssuer>>

export interface IssuerOptions {
  readonly algorithms?: readonly KeyAlgorithm[]
  /** The URL of its JWK Set; by default one under `.example`. */
  readonly jwksURL?: string
}

/** Makes an issuer with one new key for each algorithm, by default ES256 only. */
export async function createIssuer(options: IssuerOptions = {}) {
  const { algorithms = ['ES256'] } = options
  const origin = `https://issuer-${crypto.randomUUID()}.example`
  const [first, ...others] = await Promise.all(algorithms.map((name) => createKey(name)))
  if (first === undefined) throw new Error('an issuer needs an algorithm')
  const vars: IssuerVars = {
    TOKEN_ISSUER: origin,
    TOKEN_AUDIENCE: 'https://identity.example',
    JWKS_URL: options.jwksURL ?? `${origin}/jwks`,
  }
  const keys = [first, ...others] as const

  /** The claims of a valid token for a subject, which expires in an hour. */
  function claims(subject: string): Record<string, unknown> {
    const now = Math.floor(Date.now() / 1_000)
    return {
      iss: vars.TOKEN_ISSUER,
      aud: vars.TOKEN_AUDIENCE,
      sub: subject,
      client_id: 'test',
      iat: now,
      exp: now + 3_600,
      jti: crypto.randomUUID(),
    }
  }

  return {
    vars,
    /** The first one signs by default. */
    keys,
    /** The JWK Set as text, by default of all keys. */
    jwks: (published: readonly JWK[] = keys.map((key) => key.publicJWK)) =>
      JSON.stringify({ keys: published }),
    claims,
    /** A signed token, valid except for the changes. */
    token: (subject: string, changes: TokenChanges = {}): Promise<string> => {
      const key = changes.key ?? first
      const header = { typ: 'at+jwt', alg: key.algorithm, kid: key.kid, ...changes.header }
      return signJWT(header, { ...claims(subject), ...changes.claims }, { ...changes, key })
    },
  }
}

/** Signs a JWT of a header and claims, or of the texts in their place. */
export async function signJWT(
  header: object,
  claims: object,
  { headerText, payloadText, key, sign }: TokenChanges & { readonly key: SigningKey },
): Promise<string> {
  const texts = [headerText ?? JSON.stringify(header), payloadText ?? JSON.stringify(claims)]
  const input = texts.map((text) => base64url.encode(text)).join('.')
  const signature = await (sign ?? key.sign)(input)
  return `${input}.${base64url.encode(signature)}`
}
