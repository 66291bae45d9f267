/**
 * DPoP proofs (RFC 9449) for tests, with full control of header, claims and raw bytes. Runs in workerd and in Node.
 */
import { base64url, calculateJwkThumbprint } from 'jose'
import { signJWT, type TokenChanges } from '../../dev/test-issuer.ts'
import { createKey, without, type KeyAlgorithm, type SigningKey } from '../../dev/test-keys.ts'

export interface ClientKey extends SigningKey {
  /** The thumbprint of the public key (RFC 7638), which a bound token has as `cnf.jkt`. */
  readonly jkt: string
}

export async function createClientKey(algorithm: KeyAlgorithm = 'ES256'): Promise<ClientKey> {
  return toClientKey(await createKey(algorithm))
}

export async function toClientKey(key: SigningKey): Promise<ClientKey> {
  const publicJWK = without(key.publicJWK, 'kid', 'alg', 'use')
  return { ...key, publicJWK, jkt: await calculateJwkThumbprint(publicJWK) }
}

/** Makes a proof for a request and its access token that is valid now, except for the changes. */
export async function makeProof(
  key: ClientKey,
  { method = 'DELETE', url, token }: { method?: string; url: string; token: string },
  changes: TokenChanges = {},
): Promise<string> {
  const header = { typ: 'dpop+jwt', alg: key.algorithm, jwk: key.publicJWK, ...changes.header }
  const claims = {
    jti: crypto.randomUUID(),
    htm: method,
    htu: url,
    iat: Math.floor(Date.now() / 1_000),
    ath: await hash(token),
    ...changes.claims,
  }
  return signJWT(header, claims, { key, ...changes })
}

/** Makes the claim `ath` for a token. */
export async function hash(token: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))
  return base64url.encode(new Uint8Array(digest))
}
