/**
 * Translates an HTTP request into a call and its outcome into a response: the route, 404, 405 and headers. Never reads
 * the query or the body.
 */
import { IttyRouter, type IRequest, type RouteEntry } from 'itty-router'
import {
  ALGORITHMS,
  readConfig,
  readCorsOrigins,
  readDpopMode,
  type Config,
  type DpopMode,
  type Environment,
} from './config'
import { makeCorsHeaders } from './cors'
import { deleteUser } from './delete-user'
import { IdentityError } from './errors'
import { runRequest, type Outcome, type RequestLine } from './log'
import {
  readAuthorization,
  readIdempotencyKey,
  readRequestID,
  readTraceID,
  type Authorization,
} from './request-headers'

const ALLOWED_METHODS = 'DELETE, OPTIONS'
const PATH = '/api/v1/organizations/:organizationID/users/:userID'
/** The same path as the contract writes it, for the log. */
const ROUTE = '/api/v1/organizations/{organizationID}/users/{userID}'
const ALGS = `algs="${ALGORITHMS.join(' ')}"`

/** What a handler needs beside the path. */
interface Context {
  readonly request: Request
  readonly authorization: Authorization
  readonly config: Config
  readonly ctx: ExecutionContext
  readonly line: RequestLine
}

/** The two IDs of the path, still percent-encoded. */
type Params = { organizationID: string; userID: string }

interface UserRequest extends IRequest {
  readonly params: Params
}

/** A handler returns the status of its success. */
const router = IttyRouter<UserRequest, [Context], number | undefined>()
router.all(PATH, (_, { line }) => void (line.route = ROUTE))
router.delete(PATH, (request, context) => handleDelete(request, context))
router.options(PATH, () => 204)
router.all(PATH, () => {
  throw new IdentityError('method_not_allowed')
})
/** The router's regular expression for the path. It also parses the URL in a proof. */
const [[, pattern]] = router.routes as [RouteEntry]

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
  const dpopMode = readDpopMode(env)
  const authorization = readAuthorization(headers.get('Authorization'), dpopMode !== undefined)
  const outcome = await runRequest(line, () => {
    const context = { request, authorization, config: readConfig(env), ctx, line }
    return route(context)
  })
  const { status, error } = outcome
  const origins = readCorsOrigins(env) ?? new Set()
  const cors = makeCorsHeaders(origins, headers, status === 204, dpopMode !== undefined)
  const challenge = error && makeChallenge(error, dpopMode, authorization.usesDpop)
  return makeResponse(outcome, method, challenge, {
    'Cache-Control': 'no-store',
    'X-Request-Id': line.requestID,
    ...cors,
  })
}

async function route(context: Context): Promise<number> {
  const { method, url } = context.request
  const pathname = URL.parse(url)?.pathname ?? '/' // null if the Host header makes no valid URL
  // The router's patterns also match with a slash at the end.
  if (pathname.endsWith('/')) throw new IdentityError('route_not_found')
  // Without the query, which the router would parse, in quadratic time.
  const status = await router.fetch({ method, url: `https://host${pathname}` }, context)
  if (status === undefined) throw new IdentityError('route_not_found')
  return status
}

async function handleDelete({ params }: UserRequest, context: Context): Promise<number> {
  const { request, authorization, config, ctx, line } = context
  const { headers, url } = request
  const scope = decodeParams(params)
  line.scope = scope
  const { token, usesDpop } = authorization
  const isRequestURL = (htu: URL) => htu.origin === new URL(url).origin && isPathOf(scope, htu)
  const proof = headers.get('DPoP') ?? ''
  const call = {
    ...scope,
    token,
    dpop: usesDpop ? { proof, method: 'DELETE', isRequestURL } : undefined,
    idempotencyKey: readIdempotencyKey(headers.get('Idempotency-Key')),
  }
  await deleteUser(call, { config, waitUntil: ctx.waitUntil.bind(ctx) }, line)
  return 200
}

/** Whether the path of a URL names the same user, however it is escaped. */
function isPathOf(scope: Params, { pathname }: URL): boolean {
  const named = pathname.endsWith('/') ? undefined : pattern.exec(pathname)?.groups
  return (
    named !== undefined && JSON.stringify(decodeParams(named as Params)) === JSON.stringify(scope)
  )
}

function decodeParams({ organizationID, userID }: Params): Params {
  return { organizationID: decodeSegment(organizationID), userID: decodeSegment(userID) }
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
  challenge: string | undefined,
  commonHeaders: Record<string, string>,
): Response {
  const headers = new Headers(commonHeaders)
  if (status === 204 || status === 405) headers.set('Allow', ALLOWED_METHODS)
  if (error === undefined) return new Response(null, { status, headers })

  const { error: code, error_description } = error.response
  headers.set('Content-Type', 'application/json')
  if (challenge !== undefined) headers.set('WWW-Authenticate', challenge)
  if (error.retryAfter !== undefined) headers.set('Retry-After', String(error.retryAfter))
  const body = JSON.stringify({ error: code, error_description })
  return new Response(method === 'HEAD' ? null : body, { status, headers })
}

/**
 * The challenges of a response about the token (RFC 6750, 3; RFC 9449, 7.1). One of them holds the error, since a client
 * may read the first error that it finds.
 *
 * @param usesDpop whether the caller used the scheme `DPoP`
 */
function makeChallenge(
  { reason, detail, response }: IdentityError,
  dpopMode: DpopMode | undefined,
  usesDpop: boolean,
): string | undefined {
  if (response.challenge === undefined) return undefined
  const isScope = reason === 'scope_lacking'
  const parameters = [...response.challenge, ...(isScope ? [`scope="${detail}"`] : [])]
  const isInDpop = dpopMode === 'require' || (usesDpop && !isScope)
  const bearer = ['Bearer realm="identity"', ...(isInDpop ? [] : parameters)]
  const dpop = ['DPoP realm="identity"', ...(isInDpop ? parameters : []), ALGS]
  const challenges = [dpopMode === 'require' ? [] : bearer, dpopMode === undefined ? [] : dpop]
  return challenges.flat().join(', ')
}
