/**
 * Translates a call over a service binding into a deletion, and its outcome into a value. A binding does not authenticate:
 * the calling Worker passes the token of the person or service that it acts for.
 */
import { readConfig, readDpopMode, type Environment } from './config'
import { deleteUser } from './delete-user'
import type { DeleteUserFailure, DeleteUserOutcome, DeleteUserRequest, DpopProof } from './identity'
import type { DpopUse } from './dpop'
import { runRequest, writeArgumentLine, type RequestLine } from './log'
import { readIdempotencyKey, readRequestID, readTraceID } from './request-headers'

/**
 * Handles one call. The deletion goes on if the calling Worker goes away.
 *
 * @throws TypeError that names the argument of a wrong type; nothing else
 */
export async function handleCall(
  request: DeleteUserRequest,
  env: Environment,
  ctx: ExecutionContext,
): Promise<DeleteUserOutcome> {
  const takesDpop = readDpopMode(env) !== undefined
  const invalid = findInvalidArgument(request, takesDpop)
  if (invalid !== undefined) {
    const line = { requestID: readRequestID(null), transport: 'rpc', traceID: undefined } as const
    writeArgumentLine(line, invalid.name)
    throw new TypeError(invalid.message)
  }
  const dpop = takesDpop && request.dpop ? toDpopUse(request.dpop) : undefined
  const outcome = call(request, dpop, env, ctx)
  ctx.waitUntil(outcome)
  return outcome
}

async function call(
  request: DeleteUserRequest,
  dpop: DpopUse | undefined,
  env: Environment,
  ctx: ExecutionContext,
): Promise<DeleteUserOutcome> {
  const { token, organizationID, userID } = request
  const line: RequestLine = {
    requestID: readRequestID(request.requestID),
    transport: 'rpc',
    traceID: readTraceID(request.traceparent),
    scope: { organizationID, userID },
  }
  const { error } = await runRequest(line, async () => {
    const idempotencyKey = readIdempotencyKey(request.idempotencyKey)
    const dependencies = { config: readConfig(env), waitUntil: ctx.waitUntil.bind(ctx) }
    const call = { token, dpop, organizationID, userID, idempotencyKey }
    await deleteUser(call, dependencies, line)
    return 200
  })
  if (error === undefined) return { ok: true }

  const { status, error: code, error_description } = error.response
  const { retryAfter } = error
  const failure = { ok: false, status, error: code, error_description } as DeleteUserFailure
  return retryAfter === undefined ? failure : { ...failure, retryAfter }
}

/** The proof names a URL of the calling Worker, which can be any URL: the route of this Worker does not apply. */
function toDpopUse({ proof, method, url: text }: DpopProof): DpopUse {
  const url = URL.parse(text)
  const isRequestURL = (htu: URL) =>
    (['protocol', 'host', 'pathname'] as const).every((part) => htu[part] === url?.[part])
  return { proof, method, isRequestURL }
}

const REQUIRED = ['token', 'organizationID', 'userID'] as const
const OPTIONAL = ['idempotencyKey', 'requestID', 'traceparent'] as const
const DPOP = ['proof', 'method', 'url'] as const

interface InvalidArgument {
  readonly name: string
  readonly message: string
}

/** A caller may be written in JavaScript, so the types prove nothing. */
function findInvalidArgument(request: unknown, takesDpop: boolean): InvalidArgument | undefined {
  if (typeof request !== 'object' || request === null) {
    const message = 'deleteUser takes one object: { token, organizationID, userID, … }'
    return { name: 'request', message }
  }
  const fields = request as Readonly<Record<string, unknown>>
  const optional = OPTIONAL.filter((name) => fields[name] !== undefined)
  const texts: [string, unknown][] = [...REQUIRED, ...optional].map((name) => [name, fields[name]])
  if (takesDpop && fields['dpop'] !== undefined) {
    const dpop = Object(fields['dpop']) as Readonly<Record<string, unknown>>
    for (const name of DPOP) texts.push([`dpop.${name}`, dpop[name]])
  }
  for (const [name, value] of texts) {
    if (typeof value !== 'string') {
      return { name, message: `deleteUser: ${name} must be a string` }
    }
    if (!value.isWellFormed()) {
      return { name, message: `deleteUser: ${name} must be well-formed Unicode` }
    }
  }
  return undefined
}
