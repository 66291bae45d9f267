/**
 * The request ID and the W3C trace ID of a call: the caller's, or new ones. Each call of the Identity Worker gets them, so
 * one search finds the log lines of both Workers.
 */

/** What all log lines of a call share. */
export interface Trace {
  readonly requestID: string
  readonly traceID: string
  /** W3C Trace Context, with this call as the parent. */
  readonly traceparent: string
}

const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/
const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/

/** Reads the trace from the headers, or makes a new one. */
export function continueTrace(headers: Headers): Trace {
  const requestID = headers.get('X-Request-Id') ?? ''
  const parent = TRACEPARENT.exec(headers.get('traceparent') ?? '') ?? []
  const [, traceID = randomHex(32), flags = '00'] = parent
  return {
    requestID: REQUEST_ID.test(requestID) ? requestID : crypto.randomUUID(),
    traceID,
    traceparent: `00-${traceID}-${randomHex(16)}-${flags}`,
  }
}

/** Up to 32 random hexadecimal digits. */
function randomHex(digits: number): string {
  return crypto.randomUUID().replaceAll('-', '').slice(-digits)
}
