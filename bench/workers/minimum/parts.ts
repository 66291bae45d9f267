/** What the minimum Workers share: the IDs of a request, the log line and the response of a refusal. */

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

export const ROUTE = '/api/v1/organizations/{organizationID}/users/{userID}'

/** The decoded IDs of the path. */
export function readTarget(request: Request): Target {
  const segments = new URL(request.url).pathname.split('/')
  return {
    organizationID: decodeURIComponent(segments[4] ?? ''),
    userID: decodeURIComponent(segments[6] ?? ''),
  }
}

/** The response to an invalid token, byte for byte as this project sends it. */
export function refuse(requestID: string): Response {
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

/** Writes the log line of a request, with the members of this project's line. */
export function writeLine(members: Readonly<Record<string, unknown>>): void {
  console.log(JSON.stringify({ message: 'request', ...members }))
}
