/**
 * Attacks on the signature itself.
 */
import { base64url } from 'jose'
import { createForge, SIGNATURE, type Attack, type Scene } from './scene'

/** The order of P-256, above which no part of a signature may be. */
const ORDER = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'
const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))
const always = (signature: Uint8Array) => (): Promise<Uint8Array> => Promise.resolve(signature)

/** Zero ("psychic") and other odd signatures, those of other keys, and good ones over something else. */
export function attackSignatures(scene: Scene): readonly Attack[] {
  const { issuer, ec, rsa, ed, own } = scene
  const { attack, altered } = createForge(scene)
  return [
    attack('a signature of zeros ("psychic")', SIGNATURE, { sign: always(new Uint8Array(64)) }),
    attack('a signature of the order of the curve', SIGNATURE, {
      sign: always(fromHex(ORDER + ORDER)),
    }),
    attack('a signature of zero and one', SIGNATURE, {
      sign: always(Uint8Array.from({ length: 64 }, (_, index) => (index === 63 ? 1 : 0))),
    }),
    attack('a signature that is too short', SIGNATURE, {
      sign: always(new Uint8Array(63).fill(1)),
    }),
    attack('a signature that is too long', SIGNATURE, { sign: always(new Uint8Array(65).fill(1)) }),
    attack('an Ed25519 signature of zeros', SIGNATURE, {
      key: ed,
      sign: always(new Uint8Array(64)),
    }),
    attack('an RSA signature of zeros', SIGNATURE, { key: rsa, sign: always(new Uint8Array(256)) }),
    attack('the signature of another key under a known key ID', SIGNATURE, {
      key: own,
      header: { kid: ec.kid },
    }),
    altered('another payload under a good signature', SIGNATURE, (token) => {
      const [header, , signature] = token.split('.')
      const payload = base64url.encode(JSON.stringify(issuer.claims('somebody else')))
      return `${header}.${payload}.${signature}`
    }),
    altered('another header under a good signature', SIGNATURE, (token) => {
      const [, payload, signature] = token.split('.')
      const header = { alg: 'ES256', typ: 'at+jwt', kid: ec.kid, extra: true }
      return `${base64url.encode(JSON.stringify(header))}.${payload}.${signature}`
    }),
  ]
}
