/**
 * What does another Worker get to know? The types of the service binding, and nothing else: without an import, this file
 * is the declaration that callers are given.
 */
/** What a Worker asks for. All text is well-formed Unicode. */
export interface DeleteUserRequest {
  /** The bare access token of the person or service that the Worker acts for, without `Bearer`. */
  readonly token: string
  readonly organizationID: string
  readonly userID: string
  /** 1 to 255 visible ASCII characters, with which the call can be repeated. */
  readonly idempotencyKey?: string
  /** 1 to 128 characters of letters, digits and `._-`; else one is made. */
  readonly requestID?: string
  /** W3C Trace Context. */
  readonly traceparent?: string
}
/** What came of it: the answer of the HTTP door, as a value. */
export type DeleteUserOutcome =
  | {
      readonly ok: true
    }
  | DeleteUserFailure
/** A refusal or an outage, in the words of the contract. */
export interface DeleteUserFailure {
  readonly ok: false
  readonly status: 401 | 403 | 404 | 500
  readonly error: 'access_denied' | 'forbidden' | 'not_found' | 'server_error'
  /** A sentence for a person; programs decide by `status` and `error`. */
  readonly error_description: string
  /** Seconds until a retry can help; absent where a retry cannot. */
  readonly retryAfter?: number
}
/** The named entrypoint, as `Service<Identity>` in a caller's environment. */
export interface Identity extends Rpc.WorkerEntrypointBranded {
  /**
   * Deletes a user and disassociates them with all groups they are a member of.
   *
   * @throws TypeError that names the argument which is not of its type; for nothing else
   */
  deleteUser(request: DeleteUserRequest): Promise<DeleteUserOutcome>
  /** The HTTP door, over the binding. */
  fetch(request: Request): Promise<Response>
}
