/**
 * How does a call over a service binding become a deletion, and the outcome a value? Method in, value out, and the one
 * catch of this door. A binding is no identity: the caller passes the token of the person or service that it acts for.
 */
import { WorkerEntrypoint } from 'cloudflare:workers'
import { readIdempotencyKey, readRequestID, readTraceID } from './caller-fields'
import type { Environment } from './config'
import { deleteUser } from './delete-user'
import { toIdentityError, type Answer } from './errors'
import { writeRequestLine, type RequestLine } from './log'

/** What a Worker asks for. All text is well-formed Unicode. */
export interface DeleteUserRequest {
  /** The bare access token, without `Bearer`. */
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
export type DeleteUserOutcome = { readonly ok: true } | DeleteUserFailure

/** A refusal or an outage, in the words of the contract. */
export interface DeleteUserFailure extends Pick<Answer, 'error_description'> {
  readonly ok: false
  readonly status: 401 | 403 | 404 | 500
  readonly error: 'access_denied' | 'forbidden' | 'not_found' | 'server_error'
  /** Seconds until a retry can help; absent where a retry cannot. */
  readonly retryAfter?: number
}

const REQUIRED = ['token', 'organizationID', 'userID'] as const
const OPTIONAL = ['idempotencyKey', 'requestID', 'traceparent'] as const

/** The method of the second door; the named entrypoint that has it also offers the HTTP door. */
export abstract class IdentityEntrypoint extends WorkerEntrypoint<Environment> {
  /**
   * Deletes a user and disassociates them with all groups they are a member of (contract).
   *
   * @throws TypeError that names the argument which is not of its type; for nothing else
   */
  async deleteUser(request: DeleteUserRequest): Promise<DeleteUserOutcome> {
    checkRequest(request)
    const outcome = answer(request, this.env, this.ctx)
    this.ctx.waitUntil(outcome)
    return outcome
  }
}

async function answer(
  request: DeleteUserRequest,
  env: Environment,
  ctx: ExecutionContext,
): Promise<DeleteUserOutcome> {
  const { token, organizationID, userID } = request
  const line: RequestLine = {
    requestID: readRequestID(request.requestID),
    traceID: readTraceID(request.traceparent),
    startedAt: Date.now(),
    door: 'rpc',
    scope: { organizationID, userID },
  }
  const idempotencyKey = readIdempotencyKey(request.idempotencyKey)
  try {
    await deleteUser({ token, organizationID, userID, idempotencyKey }, { env, ctx }, line)
    writeRequestLine(line, 200)
    return { ok: true }
  } catch (thrown) {
    const failure = toIdentityError(thrown)
    const { retryAfter } = failure
    writeRequestLine(line, failure.answer.status, failure)
    const outcome = { ok: false, ...failure.answer } as DeleteUserFailure
    return retryAfter === undefined ? outcome : { ...outcome, retryAfter }
  }
}

function checkRequest(request: unknown): asserts request is DeleteUserRequest {
  if (typeof request !== 'object' || request === null) {
    throw new TypeError('deleteUser takes one object: { token, organizationID, userID, … }')
  }
  const fields = request as Readonly<Record<string, unknown>>
  for (const name of REQUIRED) checkText(name, fields[name])
  for (const name of OPTIONAL) if (fields[name] !== undefined) checkText(name, fields[name])
}

function checkText(name: string, value: unknown): void {
  if (typeof value !== 'string') throw new TypeError(`deleteUser: ${name} must be a string`)
  if (!value.isWellFormed()) throw new TypeError(`deleteUser: ${name} must be well-formed Unicode`)
}
