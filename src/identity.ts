/**
 * The public types of the service binding. This file imports nothing: copy it into the Worker that calls.
 */

/** One deletion. All text is well-formed Unicode. */
export interface DeleteUserRequest {
  /** The bare access token of the person or service that the calling Worker acts for, without its scheme. */
  readonly token: string
  readonly organizationID: string
  readonly userID: string
  /** 1 to 255 visible ASCII characters. A repeated call with the same key gets the first outcome. */
  readonly idempotencyKey?: string
  /** 1 to 128 letters, digits and `._-`, for the log; without it, the Worker makes one. */
  readonly requestID?: string
  /** W3C Trace Context, for the log. */
  readonly traceparent?: string
  /** For a token that is bound to a key (DPoP): the proof that the calling Worker's own caller sent with it. */
  readonly dpop?: DpopProof
}

/** A DPoP proof (RFC 9449) and the request that it was made for. The calling Worker vouches for the method and the URL. */
export interface DpopProof {
  /** The `DPoP` header of the request to the calling Worker. */
  readonly proof: string
  /** The method of that request. */
  readonly method: string
  /** The URL of that request. Query and fragment do not count. */
  readonly url: string
}

/** The outcome of a deletion. */
export type DeleteUserOutcome = { readonly ok: true } | DeleteUserFailure

/** A refusal or an outage, as the contract describes it. */
export interface DeleteUserFailure {
  readonly ok: false
  readonly status: 401 | 403 | 404 | 500
  readonly error: 'access_denied' | 'forbidden' | 'not_found' | 'server_error'
  /** A sentence for people. Programs decide by `status` and `error`. */
  readonly error_description: string
  /** Seconds until a retry can help; absent if a retry cannot. */
  readonly retryAfter?: number
}

/** The named entrypoint: `Service<Identity>` in the environment of the calling Worker. */
export interface Identity extends Rpc.WorkerEntrypointBranded {
  /**
   * Deletes a user and disassociates them with all groups they are a member of.
   *
   * @throws TypeError that names the argument of a wrong type; nothing else
   */
  deleteUser(request: DeleteUserRequest): Promise<DeleteUserOutcome>
  /** The HTTP transport, over the binding. */
  fetch(request: Request): Promise<Response>
}
