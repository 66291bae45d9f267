/**
 * How can it fail? One error type, and one table that turns the precise reason, which the log keeps, into one of the
 * few answers that the wire knows. A reason without a row does not compile. No text of an exception gets into an answer.
 */

// Reasons are logged, stacks never are; capturing two of them took a tenth of the time of a refused token.
Object.assign(Error, { stackTraceLimit: 0 })

/** The answers of the contract: status, `error` and `error_description` as published, and what a challenge adds. */
const ANSWERS = {
  tokenMissing: [401, 'access_denied', 'authentication failed'],
  tokenExpired: [401, 'access_denied', 'authentication failed'],
  tokenInvalid: [401, 'access_denied', 'authentication failed'],
  scopeLacking: [403, 'forbidden', 'user credentials do not have the required privileges'],
  forbidden: [403, 'forbidden', 'user credentials do not have the required privileges'],
  lastAdministrator: [
    403,
    'forbidden',
    'the last administrator of an organization can only be removed by a platform administrator',
  ],
  notFound: [404, 'not_found', 'the requested resource does not exist'],
  methodNotAllowed: [405, 'method_not_allowed', 'the requested method is not allowed'],
  serverError: [500, 'server_error', 'an unexpected error occurred, which may succeed on a retry'],
} as const satisfies Record<string, readonly [number, string, string]>

/** Which answer a reason gets. The reason itself is for the log alone. */
const REASONS = {
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
  scope_lacking: 'scopeLacking',
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
  database_timeout: 'serverError',
  database_quota_exceeded: 'serverError',
  database_not_migrated: 'serverError',
  database_failed: 'serverError',
  configuration: 'serverError',
  unexpected: 'serverError',
} as const satisfies Record<string, keyof typeof ANSWERS>

/** The precise cause of a failure, as the log names it. */
export type Reason = keyof typeof REASONS

/** The kind of answer that a reason leads to. */
export type AnswerKind = keyof typeof ANSWERS

/** What a caller gets to see of a failure (contract, `components.schemas.error`). */
export interface Answer {
  readonly status: (typeof ANSWERS)[AnswerKind][0]
  readonly error: (typeof ANSWERS)[AnswerKind][1]
  readonly error_description: (typeof ANSWERS)[AnswerKind][2]
}

/** The only error that is thrown on purpose. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError'
  readonly reason: Reason
  readonly detail: string | undefined
  readonly retryAfter: number | undefined

  /**
   * @param reason why, for the log
   * @param detail what the reason is about where it needs saying: a variable's name, a required scope; never its value
   * @param retryAfter seconds until a retry can help; none where a retry cannot
   */
  constructor(reason: Reason, detail?: string, retryAfter?: number) {
    super(reason)
    this.reason = reason
    this.detail = detail
    this.retryAfter = retryAfter
  }

  get kind(): AnswerKind {
    return REASONS[this.reason]
  }

  get answer(): Answer {
    const [status, error, error_description] = ANSWERS[this.kind]
    return { status, error, error_description }
  }
}

/** What was thrown, as an IdentityError: anything unforeseen becomes `unexpected`, of which the log gets the error's name. */
export function toIdentityError(thrown: unknown): IdentityError {
  if (thrown instanceof IdentityError) return thrown
  return new IdentityError('unexpected', thrown instanceof Error ? thrown.name : typeof thrown)
}
