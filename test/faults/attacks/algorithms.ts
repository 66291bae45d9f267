/**
 * Attacks on the choice of the algorithm: none at all, a secret in place of a key pair, or that of another key.
 */
import { base64url, exportSPKI, importJWK } from 'jose'
import type { SigningKey } from '../../support/keys'
import { ALGORITHM, createForge, MALFORMED, UNKNOWN_KEY, type Attack, type Scene } from './scene'

function signHMAC(secret: Uint8Array) {
  return async (input: string): Promise<Uint8Array> => {
    const algorithm = { name: 'HMAC', hash: 'SHA-256' }
    const key = await crypto.subtle.importKey('raw', Uint8Array.from(secret), algorithm, false, [
      'sign',
    ])
    return new Uint8Array(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(input)))
  }
}

async function pemOf({ publicJWK }: SigningKey): Promise<string> {
  const key = await importJWK(publicJWK, publicJWK.alg, { extractable: true })
  return exportSPKI(key as CryptoKey)
}

/** `alg: none` in every spelling, HMAC with public keys, algorithms of other keys. */
export function attackAlgorithms(scene: Scene): readonly Attack[] {
  const { issuer, ec, rsa, victim } = scene
  const { attack } = createForge(scene)
  const none = ['none', 'None', 'NONE', 'nOnE'].flatMap((alg) => [
    attack(`alg "${alg}" with a signature`, ALGORITHM, { header: { alg } }),
    attack(`alg "${alg}" with a zero byte`, ALGORITHM, {
      header: { alg },
      sign: () => Promise.resolve(new Uint8Array(1)),
    }),
    attack(`alg "${alg}" without a signature`, MALFORMED, {
      header: { alg },
      sign: () => Promise.resolve(new Uint8Array(0)),
    }),
  ])

  const confusion: Attack[] = [
    ...['HS256', 'HS384', 'HS512'].map((alg) => ({
      name: `${alg} with the RSA public key (PEM) as its secret`,
      reason: ALGORITHM,
      token: async () => {
        const secret = new TextEncoder().encode(await pemOf(rsa))
        return issuer.token(victim, { header: { alg, kid: rsa.kid }, sign: signHMAC(secret) })
      },
    })),
    attack('HS256 with the EC public key (JWK) as its secret', ALGORITHM, {
      header: { alg: 'HS256' },
      sign: signHMAC(new TextEncoder().encode(JSON.stringify(ec.publicJWK))),
    }),
    attack('HS256 with a coordinate of the public key as its secret', ALGORITHM, {
      header: { alg: 'HS256' },
      sign: signHMAC(base64url.decode(String(ec.publicJWK.x))),
    }),
    attack('RS256 of an EC key', UNKNOWN_KEY, { header: { alg: 'RS256' } }),
    attack('ES256 of an RSA key', UNKNOWN_KEY, { header: { alg: 'ES256', kid: rsa.kid } }),
    attack('ES384 of a P-256 key', UNKNOWN_KEY, { header: { alg: 'ES384' } }),
    attack('EdDSA of an EC key', UNKNOWN_KEY, { header: { alg: 'EdDSA' } }),
    attack('PS256 of a key for RS256', UNKNOWN_KEY, {
      header: { alg: 'PS256', kid: rsa.kid },
      key: rsa,
    }),
    attack('an algorithm that nobody knows', ALGORITHM, { header: { alg: 'XS256' } }),
    attack('an algorithm that is a list', MALFORMED, { header: { alg: ['ES256'] } }),
    attack('an empty algorithm', MALFORMED, { header: { alg: '' } }),
    attack('no algorithm', MALFORMED, { header: { alg: undefined } }),
  ]

  return [...none, ...confusion]
}
