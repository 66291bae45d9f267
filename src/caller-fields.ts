/**
 * What a caller may send beside the deletion itself, over either door. A value that is not of its form is treated as
 * not sent: these fields help to find and repeat a request, they decide nothing.
 */

const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/
/** W3C Trace Context, 3.2: a later version may append fields, version 00 may not, ff is none; no ID is all zeros. */
const TRACEPARENT =
  /^(?!ff)(?:00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}|(?!00)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?)$/

/** The caller's request ID (1 to 128 characters of letters, digits and `._-`), or else a new one. */
export function readRequestID(value: string | null | undefined): string {
  return value && REQUEST_ID.test(value) ? value : crypto.randomUUID()
}

/** The trace ID of a valid `traceparent` (W3C Trace Context), else undefined. */
export function readTraceID(value: string | null | undefined): string | undefined {
  const match = value ? TRACEPARENT.exec(value) : null
  return match?.[1] ?? match?.[2]
}

/** An idempotency key of 1 to 255 visible ASCII characters, else null. */
export function readIdempotencyKey(value: string | null | undefined): string | null {
  return value && IDEMPOTENCY_KEY.test(value) ? value : null
}
