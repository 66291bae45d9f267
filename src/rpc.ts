/**
 * How does a call over a service binding become a deletion, and the outcome a value? Method in, value out, and the one
 * catch of this door. A binding is no identity: the caller passes the token of the person or service that it acts for.
 */
import { WorkerEntrypoint } from 'cloudflare:workers'
import { readIdempotencyKey, readRequestID, readTraceID } from './caller-fields'
import type { Environment } from './config'
import { deleteUser } from './delete-user'
import { toIdentityError } from './errors'
import type { DeleteUserFailure, DeleteUserOutcome, DeleteUserRequest, Identity } from './identity'
import { writeRequestLine, type RequestLine } from './log'

const REQUIRED = ['token', 'organizationID', 'userID'] as const
const OPTIONAL = ['idempotencyKey', 'requestID', 'traceparent'] as const

/** The method of the second door; the named entrypoint that has it also offers the HTTP door. */
export abstract class IdentityEntrypoint
  extends WorkerEntrypoint<Environment>
  implements Pick<Identity, 'deleteUser'>
{
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
