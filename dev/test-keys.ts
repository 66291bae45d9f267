/**
 * Key pairs for each algorithm that may sign a token, and signatures over raw bytes: attackers do not need a JOSE
 * library. Runs in workerd and in Node.
 */
import {
  exportJWK,
  generateKeyPair,
  importJWK,
  type CryptoKey,
  type GenerateKeyPairResult,
  type JWK,
} from 'jose'

/** How WebCrypto signs for each algorithm (RFC 7518, 3.1; RFC 8037; RFC 9864). */
const SIGNERS = {
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
  ES384: { name: 'ECDSA', hash: 'SHA-384' },
  ES512: { name: 'ECDSA', hash: 'SHA-512' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  RS384: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-384' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256', saltLength: 32 },
  EdDSA: { name: 'Ed25519' },
  Ed25519: { name: 'Ed25519' },
} as const

/** An algorithm of a test key. The Worker does not allow RS384. */
export type KeyAlgorithm = keyof typeof SIGNERS

export interface SigningKey {
  readonly algorithm: KeyAlgorithm
  readonly kid: string
  readonly privateKey: CryptoKey
  /** As published: with `kid`, `alg` and `use`. */
  readonly publicJWK: Readonly<JWK>
  /** With the private members, which an issuer must not publish. */
  readonly privateJWK: Readonly<JWK>
  readonly sign: (input: string) => Promise<Uint8Array<ArrayBuffer>>
}

/** Makes a key pair. An RSA key takes some time, so make it once in a file. */
export async function createKey(
  algorithm: KeyAlgorithm,
  kid: string = crypto.randomUUID(),
): Promise<SigningKey> {
  const pair = await generateKeyPair(algorithm, { extractable: true })
  return toSigningKey(pair, algorithm, kid)
}

/** Makes an RSA key of 1024 bits: less than RFC 7518, 3.3 requires, but its signatures are valid. */
export async function createWeakKey(): Promise<SigningKey> {
  const size = { modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]) }
  const usages = ['sign', 'verify'] as const
  const pair: unknown = await crypto.subtle.generateKey({ ...SIGNERS.RS256, ...size }, true, [
    ...usages,
  ])
  return toSigningKey(pair as GenerateKeyPairResult, 'RS256', crypto.randomUUID())
}

/** Returns the same key pair for another algorithm of its type. */
export async function useFor(algorithm: KeyAlgorithm, key: SigningKey): Promise<SigningKey> {
  const [publicKey, privateKey] = await Promise.all(
    [key.publicJWK, key.privateJWK].map((jwk) =>
      importJWK(without(jwk, 'alg'), algorithm, { extractable: true }),
    ),
  )
  return toSigningKey({ publicKey, privateKey } as GenerateKeyPairResult, algorithm, key.kid)
}

async function toSigningKey(
  { publicKey, privateKey }: GenerateKeyPairResult,
  algorithm: KeyAlgorithm,
  kid: string,
): Promise<SigningKey> {
  const named = { kid, alg: algorithm, use: 'sig' }
  return {
    algorithm,
    kid,
    privateKey,
    publicJWK: { ...(await exportJWK(publicKey)), ...named },
    privateJWK: { ...(await exportJWK(privateKey)), ...named },
    sign: async (input) => {
      const bytes = new TextEncoder().encode(input)
      return new Uint8Array(await crypto.subtle.sign(SIGNERS[algorithm], privateKey, bytes))
    },
  }
}

export function without(jwk: Readonly<JWK>, ...members: (keyof JWK)[]): JWK {
  return Object.fromEntries(
    Object.entries(jwk).filter(([name]) => !members.includes(name as keyof JWK)),
  )
}
