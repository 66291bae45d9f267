/**
 * Makes the CORS headers of a response (Fetch, "CORS protocol") for the origins in `CORS_ORIGINS`. CORS grants no
 * permission: authorization is unchanged, and credentials such as cookies are never allowed.
 */

/** The origins that may read responses: a list, or all. */
export type CorsOrigins = ReadonlySet<string> | '*'

/** The origins of a list with commas, or `*`; undefined if an item is no origin. An empty list allows none. */
export function parseCorsOrigins(list: string): CorsOrigins | undefined {
  if (list.trim() === '') return new Set()
  if (list.trim() === '*') return '*'
  const origins = list.split(',').map((item) => item.trim())
  return origins.every(isOrigin) ? new Set(origins) : undefined
}

/**
 * Whether a text is exactly an origin as browsers send it (Fetch, "serialized origin"): no path, slash or capital. The
 * URL standard allows an asterisk in a host, but no browser sends one.
 */
function isOrigin(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || url.host === '' || url.host.includes('*')) return false
  return text === `${url.protocol}//${url.host}` && text === text.toLowerCase()
}

const PREFLIGHT_HEADERS = {
  'Access-Control-Allow-Methods': 'DELETE',
  // Wrappers of `fetch` in pages add Content-Type, Tracestate and Baggage to every call.
  'Access-Control-Allow-Headers':
    'Authorization, Content-Type, Idempotency-Key, Traceparent, Tracestate, Baggage, X-Request-Id',
  /** Seconds; browsers keep a preflight for two hours at most. */
  'Access-Control-Max-Age': '7200',
}
const DPOP_PREFLIGHT_HEADERS = {
  ...PREFLIGHT_HEADERS,
  'Access-Control-Allow-Headers': `${PREFLIGHT_HEADERS['Access-Control-Allow-Headers']}, DPoP`,
}

/**
 * Makes the CORS headers of a response.
 *
 * @param requestHeaders the headers of the request, of which `Origin` is read
 * @param isPreflight whether this is the response to OPTIONS on the path
 * @param takesDpop whether a page may send the header `DPoP`
 */
export function makeCorsHeaders(
  origins: CorsOrigins,
  requestHeaders: Headers,
  isPreflight: boolean,
  takesDpop: boolean,
): Record<string, string> {
  if (origins !== '*' && origins.size === 0) return {}
  const origin = requestHeaders.get('Origin')
  if (origin === null || (origins !== '*' && !origins.has(origin))) return { Vary: 'Origin' }
  const preflight = takesDpop ? DPOP_PREFLIGHT_HEADERS : PREFLIGHT_HEADERS
  return {
    Vary: 'Origin',
    'Access-Control-Allow-Origin': origins === '*' ? '*' : origin,
    'Access-Control-Expose-Headers': 'X-Request-Id, WWW-Authenticate, Retry-After',
    ...(isPreflight ? preflight : {}),
  }
}
