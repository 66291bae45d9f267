/**
 * What the Workers of the limit share: the IDs and the token of a request, one log line, the bytes of an answer. Only
 * what no correct product can do without; no routing, no configuration, no key rotation, no choice of algorithm.
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

/** The subject of a good ES256 access token, or undefined. */
export type VerifyToken = (token: string, env: Env) => Promise<string | undefined>

/** The token of a request, whatever the scheme before it. */
export function readToken(request: Request): string {
  return request.headers.get('Authorization')?.slice('Bearer '.length) ?? ''
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
