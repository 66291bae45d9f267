/**
 * What the Workers of the limit share: one token verified with an imported key, one log line, the bytes of an answer.
 * Only what no correct product can do without; no routing, no configuration, no key rotation, no choice of algorithm.
 */

export interface Env {
  readonly DB: D1Database
  readonly TOKEN_ISSUER: string
  readonly TOKEN_AUDIENCE: string
  /** The issuer's public key as JSON text of a JWK (ES256). */
  readonly PUBLIC_KEY: string
}

/** The IDs of a deletion's path. */
export interface Target {
  readonly organizationID: string
  readonly userID: string
}

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

/** The subject of a good ES256 access token, or undefined: signature, type, issuer, audience and expiry are checked. */
export async function verifyToken(request: Request, env: Env): Promise<string | undefined> {
  const token = request.headers.get('Authorization')?.slice('Bearer '.length) ?? ''
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

/** The IDs in `/api/v1/organizations/{organizationID}/users/{userID}`, decoded. */
export function readTarget(request: Request): Target {
  const segments = new URL(request.url).pathname.split('/')
  return {
    organizationID: decodeURIComponent(segments[4] ?? ''),
    userID: decodeURIComponent(segments[6] ?? ''),
  }
}

/** The answer to a removed user, as this project gives it. */
export function answerRemoved(requestID: string): Response {
  return new Response(null, { headers: { 'Cache-Control': 'no-store', 'X-Request-Id': requestID } })
}

/** The answer to a token that is not good, as this project gives it. */
export function answerRefused(requestID: string): Response {
  const body = '{"error":"access_denied","error_description":"authentication failed"}'
  return new Response(body, {
    status: 401,
    headers: {
      'Cache-Control': 'no-store',
      'Content-Type': 'application/json',
      'WWW-Authenticate':
        'Bearer realm="identity", error="invalid_token", error_description="the access token is invalid"',
      'X-Request-Id': requestID,
    },
  })
}

/** Writes the one line of a request, with the members that this project's line has. */
export function writeLine(members: Readonly<Record<string, unknown>>): void {
  console.log(JSON.stringify({ message: 'request', ...members }))
}

/** Writes the line of a token whose signature is wrong. */
export function writeRefusal({
  requestID,
  startedAt,
  scope,
}: {
  requestID: string
  startedAt: number
  scope: Target
}): void {
  writeLine({
    requestID,
    method: 'DELETE',
    route: '/api/v1/organizations/{organizationID}/users/{userID}',
    status: 401,
    error: 'access_denied',
    reason: 'jwt_signature_invalid',
    durationMs: Date.now() - startedAt,
    scope,
  })
}
