/**
 * Translates an HTTP request into a call and its outcome into a response: the route, 404, 405 and headers. Never reads
 * the query or the body.
 */
import { IttyRouter, type IRequest } from 'itty-router'
import { readConfig, readCorsOrigins, type Config, type Environment } from './config'
import { makeCorsHeaders } from './cors'
import { deleteUser } from './delete-user'
import { IdentityError } from './errors'
import { runRequest, type Outcome, type RequestLine } from './log'
import { readBearerToken, readIdempotencyKey, readRequestID, readTraceID } from './request-headers'

const ALLOWED_METHODS = 'DELETE, OPTIONS'
const PATH = '/api/v1/organizations/:organizationID/users/:userID'
/** The same path as the contract writes it, for the log. */
const ROUTE = '/api/v1/organizations/{organizationID}/users/{userID}'

/** What a handler needs beside the path. */
interface Context {
  readonly headers: Headers
  readonly config: Config
  readonly ctx: ExecutionContext
  readonly line: RequestLine
}

interface UserRequest extends IRequest {
  readonly params: { organizationID: string; userID: string }
}

/** Its handlers return the status of their success. */
const router = IttyRouter<UserRequest, [Context], number | undefined>()
router.all(PATH, (_, { line }) => void (line.route = ROUTE))
router.delete(PATH, (request, context) => handleDelete(request, context))
router.options(PATH, () => 204)
router.all(PATH, () => {
  throw new IdentityError('method_not_allowed')
})

/** Handles one HTTP request. Never rejects. */
export function handleRequest(
  request: Request,
  env: Environment,
  ctx: ExecutionContext,
): Promise<Response> {
  const response = respond(request, env, ctx)
  ctx.waitUntil(response) // else the runtime cancels the deletion if its caller goes away
  return response
}

async function respond(request: Request, env: Environment, ctx: ExecutionContext) {
  const { headers, method } = request
  const line: RequestLine = {
    requestID: readRequestID(headers.get('X-Request-Id')),
    transport: 'http',
    method,
    traceID: readTraceID(headers.get('traceparent')),
  }
  const outcome = await runRequest(line, () => {
    const context = { headers, config: readConfig(env), ctx, line }
    return route(request, context)
  })
  const cors = makeCorsHeaders(readCorsOrigins(env) ?? new Set(), headers, outcome.status === 204)
  return makeResponse(outcome, method, {
    'Cache-Control': 'no-store',
    'X-Request-Id': line.requestID,
    ...cors,
  })
}

async function route({ method, url }: Request, context: Context): Promise<number> {
  const pathname = URL.parse(url)?.pathname ?? '/' // null if the Host header makes no valid URL
  // The router's patterns also match with a slash at the end.
  if (pathname.endsWith('/')) throw new IdentityError('route_not_found')
  // Without the query, which the router would parse, in quadratic time.
  const status = await router.fetch({ method, url: `https://host${pathname}` }, context)
  if (status === undefined) throw new IdentityError('route_not_found')
  return status
}

async function handleDelete({ params }: UserRequest, context: Context): Promise<number> {
  const { headers, config, ctx, line } = context
  const scope = {
    organizationID: decodeSegment(params.organizationID),
    userID: decodeSegment(params.userID),
  }
  line.scope = scope
  const call = {
    ...scope,
    token: readBearerToken(headers.get('Authorization')),
    idempotencyKey: readIdempotencyKey(headers.get('Idempotency-Key')),
  }
  await deleteUser(call, { config, waitUntil: ctx.waitUntil.bind(ctx) }, line)
  return 200
}

/** Decodes a path segment once. A segment with an escape that cannot be decoded is taken literally. */
function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

function makeResponse(
  { status, error }: Outcome,
  method: string,
  commonHeaders: Record<string, string>,
): Response {
  const headers = new Headers(commonHeaders)
  if (status === 204 || status === 405) headers.set('Allow', ALLOWED_METHODS)
  if (error === undefined) return new Response(null, { status, headers })

  const { error: code, error_description, challenge } = error.response
  headers.set('Content-Type', 'application/json')
  if (challenge !== undefined) headers.set('WWW-Authenticate', makeChallenge(challenge, error))
  if (error.retryAfter !== undefined) headers.set('Retry-After', String(error.retryAfter))
  const body = JSON.stringify({ error: code, error_description })
  return new Response(method === 'HEAD' ? null : body, { status, headers })
}

/** The challenge of a response about the token (RFC 6750, 3). */
function makeChallenge(parameters: readonly string[], { reason, detail }: IdentityError): string {
  const scope = reason === 'scope_lacking' ? [`scope="${detail}"`] : []
  return `Bearer ${['realm="identity"', ...parameters, ...scope].join(', ')}`
}
