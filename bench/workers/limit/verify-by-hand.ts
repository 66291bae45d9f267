/**
 * A token verified by a few lines on WebCrypto, the quickest there can be. Not enough for a product: it knows no `crit`,
 * no `nbf`, no list of audiences, no second algorithm, and takes what is not base64url for an outage.
 */
import type { Env, VerifyToken } from './parts.ts'

const ALGORITHM = { name: 'ECDSA', hash: 'SHA-256' }
const CLOCK_TOLERANCE_S = 30
const encoder = new TextEncoder()
const decoder = new TextDecoder()

let key: CryptoKey | undefined

async function importKey(env: Env): Promise<CryptoKey> {
  const curve = { name: 'ECDSA', namedCurve: 'P-256' }
  const jwk = JSON.parse(env.PUBLIC_KEY) as JsonWebKey
  return (key = await crypto.subtle.importKey('jwk', jwk, curve, false, ['verify']))
}

interface Claims {
  readonly iss?: unknown
  readonly aud?: unknown
  readonly exp?: unknown
  readonly sub?: unknown
}

/** Checks signature, type, issuer, audience and expiry. */
export const verifyByHand: VerifyToken = async (token, env) => {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const { alg, typ } = decodeJSON(header) as { alg?: unknown; typ?: unknown }
  if (alg !== 'ES256' || typ !== 'at+jwt') return undefined
  const signed = encoder.encode(token.slice(0, header.length + 1 + payload.length))
  const good = await crypto.subtle.verify(
    ALGORITHM,
    key ?? (await importKey(env)),
    decodeBase64URL(signature),
    signed,
  )
  if (!good) return undefined
  const { iss, aud, exp, sub } = decodeJSON(payload) as Claims
  if (iss !== env.TOKEN_ISSUER || aud !== env.TOKEN_AUDIENCE) return undefined
  if (typeof exp !== 'number' || exp + CLOCK_TOLERANCE_S <= Date.now() / 1000) return undefined
  return typeof sub === 'string' ? sub : undefined
}

function decodeBase64URL(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromBase64(text, { alphabet: 'base64url' })
}

function decodeJSON(text: string): unknown {
  return JSON.parse(decoder.decode(decodeBase64URL(text)))
}
