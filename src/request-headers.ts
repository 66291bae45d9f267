/**
 * Reads what both transports pass on: credentials, request ID, idempotency key and trace ID. An invalid request ID,
 * idempotency key or trace ID counts as not sent: these values help to find and to repeat a request, they decide nothing.
 */

/** RFC 9110, 11.4: a scheme, not followed by another token character: `BearerX` is a different scheme. */
const CREDENTIALS = /^(bearer|dpop)(?![\w!#$%&'*+.^`|~-]) *(.*)$/is
const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/

/** What an `Authorization` header holds (RFC 6750, 2.1; RFC 9449, 7.1). */
export interface Authorization {
  /** Not yet checked; empty if there is none. */
  readonly token: string
  /** Whether the scheme is `DPoP`; else it is `Bearer`, or none of the two. */
  readonly usesDpop: boolean
}

/**
 * Reads an `Authorization` header.
 *
 * @param takesDpop whether the scheme `DPoP` counts
 */
export function readAuthorization(header: string | null, takesDpop: boolean): Authorization {
  const [, scheme = '', token = ''] = header?.match(CREDENTIALS) ?? []
  const isDpop = scheme.toLowerCase() === 'dpop'
  return { token: isDpop && !takesDpop ? '' : token, usesDpop: isDpop && takesDpop }
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
