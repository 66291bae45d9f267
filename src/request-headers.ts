/**
 * Reads what both transports pass on: bearer token, request ID, idempotency key and trace ID. An invalid request ID,
 * idempotency key or trace ID counts as not sent: these values help to find and to repeat a request, they decide nothing.
 */

/** RFC 9110, 11.4: `Bearer`, not followed by another token character: `BearerX` is a different scheme. */
const BEARER = /^bearer(?![\w!#$%&'*+.^`|~-])/i
const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/

/** The token of an `Authorization` header, not yet checked; empty if the header has no bearer token (RFC 6750, 2.1). */
export function readBearerToken(authorization: string | null): string {
  if (authorization === null || !BEARER.test(authorization)) return ''
  return authorization.slice('Bearer'.length).replace(/^ +/, '')
}

/** The caller's request ID (1 to 128 letters, digits and `._-`), or a new one. */
export function readRequestID(value: string | null | undefined): string {
  return value && REQUEST_ID.test(value) ? value : crypto.randomUUID()
}

/** An idempotency key of 1 to 255 visible ASCII characters, or null. */
export function readIdempotencyKey(value: string | null | undefined): string | null {
  return value && IDEMPOTENCY_KEY.test(value) ? value : null
}

/** The trace ID of a valid `traceparent` (W3C Trace Context, 3.2), or undefined. */
export function readTraceID(value: string | null | undefined): string | undefined {
  const [version = '', traceID = '', parentID = '', flags = '', ...more] = value?.split('-') ?? []
  const isVersion = isHex(version, 2) && version !== 'ff'
  const isWhole = version !== '00' || more.length === 0 // only a later version may append fields
  const areIDs = isHex(traceID, 32) && isHex(parentID, 16) && !isZero(traceID) && !isZero(parentID)
  return isVersion && isWhole && areIDs && isHex(flags, 2) ? traceID : undefined
}

function isHex(text: string, digits: number): boolean {
  return text.length === digits && /^[0-9a-f]+$/.test(text)
}

function isZero(id: string): boolean {
  return /^0+$/.test(id)
}
