/**
 * Whose pages may read an answer? The CORS headers (Fetch, "CORS protocol") for the origins that the configuration
 * names. It lets nobody do more: the call is decided as ever, and never with credentials.
 */
import type { CorsOrigins } from './config'

const PREFLIGHT_HEADERS = {
  'Access-Control-Allow-Methods': 'DELETE',
  'Access-Control-Allow-Headers': 'Authorization, Idempotency-Key, Traceparent, X-Request-Id',
  /** Seconds; browsers keep a preflight for two hours at most. */
  'Access-Control-Max-Age': '7200',
}

/**
 * The headers that CORS adds to an answer.
 *
 * @param requestHeaders of which `Origin` matters, where any origin is let in at all
 * @param isPreflight whether it answers OPTIONS on the path
 */
export function makeCorsHeaders(
  origins: CorsOrigins,
  requestHeaders: Headers,
  isPreflight: boolean,
): Record<string, string> {
  if (origins !== '*' && origins.size === 0) return {}
  const origin = requestHeaders.get('Origin')
  if (origin === null || (origins !== '*' && !origins.has(origin))) return { Vary: 'Origin' }
  return {
    Vary: 'Origin',
    'Access-Control-Allow-Origin': origins === '*' ? '*' : origin,
    'Access-Control-Expose-Headers': 'X-Request-Id, WWW-Authenticate, Retry-After',
    ...(isPreflight ? PREFLIGHT_HEADERS : {}),
  }
}
