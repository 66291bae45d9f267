/**
 * How does an HTTP request become a call, and the outcome a response? The routes, 404 and 405, the headers, and the one
 * catch of this door. Neither the query nor the body is ever read.
 */
import { IttyRouter, type RouteEntry } from 'itty-router'
import { readBearerToken } from './authenticate'
import { readIdempotencyKey, readRequestID, readTraceID } from './caller-fields'
import { readSettings, type Environment } from './config'
import { makeCorsHeaders } from './cors'
import { deleteUser } from './delete-user'
import { IdentityError, toIdentityError } from './errors'
import { writeRequestLine, type RequestLine } from './log'

const ALLOW = { Allow: 'DELETE, OPTIONS' }
const ROUTE = '/api/v1/organizations/{organizationID}/users/{userID}'
/** A pattern of our own, since those of the router let slashes at the end pass. */
const PATH = /^\/api\/v1\/organizations\/(?<organizationID>[^/]+)\/users\/(?<userID>[^/]+)$/

/** A request on its way through this door. */
interface Exchange {
  readonly headers: Headers
  readonly env: Environment
  readonly ctx: ExecutionContext
  readonly line: RequestLine
}

/** What the router reads, and what it writes onto it. */
interface Routed {
  readonly method: string
  readonly url: string
  readonly params?: { readonly organizationID: string; readonly userID: string }
  readonly route?: string
}

async function handleDelete({ params }: Required<Routed>, exchange: Exchange): Promise<Response> {
  const { headers, line } = exchange
  const organizationID = decodeSegment(params.organizationID)
  const userID = decodeSegment(params.userID)
  line.scope = { organizationID, userID }
  const token = readBearerToken(headers.get('Authorization'))
  const idempotencyKey = readIdempotencyKey(headers.get('Idempotency-Key'))
  await deleteUser({ token, organizationID, userID, idempotencyKey }, exchange, line)
  return respond(exchange, 200)
}

function handleOptions(_: Routed, exchange: Exchange): Response {
  return respond(exchange, 204, ALLOW)
}

function refuseMethod(): never {
  throw new IdentityError('method_not_allowed')
}

const routes = [
  ['DELETE', PATH, [handleDelete], ROUTE],
  ['OPTIONS', PATH, [handleOptions], ROUTE],
  ['ALL', PATH, [refuseMethod], ROUTE],
] as unknown as RouteEntry[] // typed for patterns in the router's own language

const router = IttyRouter({ routes })

/** Answers one HTTP request. Never rejects; a caller that goes away does not stop what it has asked for. */
export function handleRequest(
  request: Request,
  env: Environment,
  ctx: ExecutionContext,
): Promise<Response> {
  const response = answer(request, env, ctx)
  ctx.waitUntil(response)
  return response
}

async function answer(request: Request, env: Environment, ctx: ExecutionContext) {
  const { headers, method, url } = request
  const line: RequestLine = {
    requestID: readRequestID(headers.get('X-Request-Id')),
    traceID: readTraceID(headers.get('traceparent')),
    startedAt: Date.now(),
    method,
  }
  const exchange = { headers, env, ctx, line }
  // The path alone: the router would parse a query, quadratically, and throw for a Host header that makes no URL.
  const routed: Routed = { method, url: `https://host${URL.parse(url)?.pathname ?? '/'}` }
  let response: Response | undefined
  let failure: IdentityError | undefined
  try {
    const { config } = readSettings(env)
    if (config instanceof IdentityError) throw config
    response = (await router.fetch(routed, exchange)) as Response | undefined
    if (response === undefined) throw new IdentityError('route_not_found')
  } catch (thrown) {
    failure = toIdentityError(thrown)
    response = respondFailure(exchange, failure)
  }
  if (routed.route !== undefined) line.route = routed.route
  writeRequestLine(line, response.status, failure)
  return response
}

/** Decodes a path segment once; one in which any escape cannot be decoded is taken literally as a whole. */
function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

function respond(
  { headers, env, line }: Exchange,
  status: number,
  ownHeaders?: Record<string, string>,
  body: string | null = null,
): Response {
  return new Response(body, {
    status,
    headers: {
      'Cache-Control': 'no-store',
      'X-Request-Id': line.requestID,
      ...makeCorsHeaders(readSettings(env).corsOrigins, headers, status === 204),
      ...ownHeaders,
    },
  })
}

function respondFailure(exchange: Exchange, failure: IdentityError): Response {
  const { status, error, error_description } = failure.answer
  const headers: Record<string, string> = { 'Content-Type': 'application/json' }
  const challenge = makeChallenge(failure)
  if (challenge !== undefined) headers['WWW-Authenticate'] = challenge
  if (failure.retryAfter !== undefined) headers['Retry-After'] = String(failure.retryAfter)
  if (status === 405) Object.assign(headers, ALLOW)
  const hasBody = exchange.line.method !== 'HEAD'
  const body = hasBody ? JSON.stringify({ error, error_description }) : null
  return respond(exchange, status, headers, body)
}

/** The challenge of a refusal (RFC 6750, 3), where the token is what was wrong. */
function makeChallenge({ kind, detail }: IdentityError): string | undefined {
  const realm = 'Bearer realm="identity"'
  switch (kind) {
    case 'tokenMissing':
      return realm
    case 'tokenExpired':
      return `${realm}, error="invalid_token", error_description="the access token expired"`
    case 'tokenInvalid':
      return `${realm}, error="invalid_token", error_description="the access token is invalid"`
    case 'scopeLacking':
      return `${realm}, error="insufficient_scope", scope="${detail}"`
    default:
      return undefined
  }
}
