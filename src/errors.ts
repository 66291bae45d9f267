/**
 * The one error type, and the table that gives each reason its response. The reason is for the log alone. A reason
 * without a row does not compile. The text of an exception never reaches a response.
 */

const UNAUTHORIZED = {
  status: 401,
  error: 'access_denied',
  error_description: 'authentication failed',
} as const

const FORBIDDEN = {
  status: 403,
  error: 'forbidden',
  error_description: 'user credentials do not have the required privileges',
} as const

/**
 * The responses of the contract: status, `error` and `error_description` as published. `challenge` holds the parameters
 * of `WWW-Authenticate` (RFC 6750, 3; RFC 9449, 7.1), for responses that have this header.
 */
const RESPONSES = {
  tokenMissing: { ...UNAUTHORIZED, challenge: [] },
  tokenExpired: {
    ...UNAUTHORIZED,
    challenge: ['error="invalid_token"', 'error_description="the access token expired"'],
  },
  tokenInvalid: {
    ...UNAUTHORIZED,
    challenge: ['error="invalid_token"', 'error_description="the access token is invalid"'],
  },
  proofInvalid: { ...UNAUTHORIZED, challenge: ['error="invalid_dpop_proof"'] },
  scopeMissing: { ...FORBIDDEN, challenge: ['error="insufficient_scope"'] },
  forbidden: FORBIDDEN,
  lastAdministrator: {
    ...FORBIDDEN,
    error_description:
      'the last administrator of an organization can only be removed by a platform administrator',
  },
  notFound: {
    status: 404,
    error: 'not_found',
    error_description: 'the requested resource does not exist',
  },
  methodNotAllowed: {
    status: 405,
    error: 'method_not_allowed',
    error_description: 'the requested method is not allowed',
  },
  serverError: {
    status: 500,
    error: 'server_error',
    error_description: 'an unexpected error occurred, which may succeed on a retry',
  },
} as const

/** The response to each reason. */
export const REASONS = {
  token_missing: 'tokenMissing',
  token_oversize: 'tokenInvalid',
  jwt_malformed: 'tokenInvalid',
  jwt_algorithm_not_allowed: 'tokenInvalid',
  jwt_unknown_key: 'tokenInvalid',
  jwt_unusable_key: 'tokenInvalid',
  jwt_signature_invalid: 'tokenInvalid',
  jwt_type_mismatch: 'tokenInvalid',
  jwt_issuer_mismatch: 'tokenInvalid',
  jwt_audience_mismatch: 'tokenInvalid',
  jwt_claims_invalid: 'tokenInvalid',
  jwt_not_yet_valid: 'tokenInvalid',
  jwt_sender_constrained: 'tokenInvalid',
  jwt_expired: 'tokenExpired',
  dpop_missing: 'tokenInvalid',
  dpop_malformed: 'proofInvalid',
  dpop_signature_invalid: 'proofInvalid',
  dpop_request_mismatch: 'proofInvalid',
  dpop_stale: 'proofInvalid',
  dpop_token_mismatch: 'tokenInvalid',
  dpop_required: 'tokenInvalid',
  scope_lacking: 'scopeMissing',
  caller_unknown: 'tokenInvalid',
  caller_pending: 'tokenInvalid',
  caller_suspended: 'tokenInvalid',
  not_permitted: 'forbidden',
  user_not_found: 'notFound',
  last_administrator: 'lastAdministrator',
  route_not_found: 'notFound',
  method_not_allowed: 'methodNotAllowed',
  jwks_unavailable: 'serverError',
  database_unavailable: 'serverError',
  database_overloaded: 'serverError',
  database_busy: 'serverError',
  database_timeout: 'serverError',
  database_quota_exceeded: 'serverError',
  database_full: 'serverError',
  database_not_migrated: 'serverError',
  database_failed: 'serverError',
  configuration: 'serverError',
  unexpected: 'serverError',
} as const satisfies Record<string, keyof typeof RESPONSES>

/** The precise cause of an error, as the log names it. */
export type Reason = keyof typeof REASONS

/** What the caller sees of an error (contract, `components.schemas.error`). */
export interface ErrorResponse {
  readonly status: 401 | 403 | 404 | 405 | 500
  readonly error:
    'access_denied' | 'forbidden' | 'not_found' | 'method_not_allowed' | 'server_error'
  readonly error_description: string
  /** Parameters of `WWW-Authenticate`; undefined if the response has no such header. */
  readonly challenge?: readonly string[]
}

/** What may accompany a reason. */
export interface ErrorDetails {
  /** What the reason is about: the name of a variable, or a required scope. Never a value that a caller sent. */
  readonly detail?: string | undefined
  /** Seconds until a retry can help; undefined if a retry cannot. */
  readonly retryAfter?: number | undefined
  /** What was thrown. The log shows its stack frames, never its message. */
  readonly cause?: unknown
}

/** V8 reads `stackTraceLimit` each time it captures a stack: https://v8.dev/docs/stack-trace-api */
const v8 = Error as { stackTraceLimit?: number | undefined }

/** The only error that this Worker throws on purpose. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError'
  readonly reason: Reason
  readonly detail: string | undefined
  readonly retryAfter: number | undefined

  constructor(reason: Reason, { detail, retryAfter, cause }: ErrorDetails = {}) {
    // The stack of a refusal is never read, and capturing it takes a tenth of the time of a refused token.
    const { stackTraceLimit } = v8
    v8.stackTraceLimit = 0
    super(reason, { cause })
    v8.stackTraceLimit = stackTraceLimit
    this.reason = reason
    this.detail = detail
    this.retryAfter = retryAfter
  }

  get response(): ErrorResponse {
    return RESPONSES[REASONS[this.reason]]
  }
}

/** What was thrown, as an IdentityError. Anything unforeseen is `unexpected`, with the name of the error as detail. */
export function toIdentityError(thrown: unknown): IdentityError {
  if (thrown instanceof IdentityError) return thrown
  const detail = thrown instanceof Error ? thrown.name : typeof thrown
  return new IdentityError('unexpected', { detail, cause: thrown })
}
