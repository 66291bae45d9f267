/**
 * The Workers to compare with, one per export: each does the minimum that its name says, and no correct product can do
 * less. `refusal` and `deletion` send this project's bytes and write its log line.
 */
import { importJWK, type JWK, jwtVerify } from 'jose'

export interface Env {
  readonly DB: D1Database
  readonly TOKEN_ISSUER: string
  readonly TOKEN_AUDIENCE: string
  /** The issuer's public key as JSON text of a JWK (ES256). */
  readonly PUBLIC_KEY: string
}

/** The IDs of a deletion's path. */
interface Target {
  readonly organizationID: string
  readonly userID: string
}

/** Responds and does nothing else: the cost of HTTP, the loopback and the runtime. */
export const nothing = { fetch: () => new Response(null) }

/** Verifies the token, writes the log line, rejects the request. */
export const refusal = {
  async fetch(request: Request, env: Env): Promise<Response> {
    const startedAt = Date.now()
    const requestID = crypto.randomUUID()
    const scope = readTarget(request)
    if ((await verifyToken(request, env)) !== undefined) {
      return new Response('this Worker only refuses', { status: 501 })
    }
    const response = refuse(requestID)
    writeLine({
      requestID,
      method: request.method,
      route: ROUTE,
      status: 401,
      error: 'access_denied',
      reason: 'jwt_signature_invalid',
      durationMs: Date.now() - startedAt,
      scope,
    })
    return response
  },
}

/** The barest correct batch: no token, no decision, no log line. */
export const batch = {
  async fetch(request: Request, env: Env): Promise<Response> {
    const deletion = await deleteUser(env.DB, readTarget(request), 'unknown', 'none')
    return new Response(null, { status: deletion === undefined ? 404 : 200 })
  },
}

/** Verifies the token, runs the barest batch, writes the log line. Does not check whether the caller is permitted. */
export const deletion = {
  async fetch(request: Request, env: Env): Promise<Response> {
    const startedAt = Date.now()
    const requestID = crypto.randomUUID()
    const scope = readTarget(request)
    const subject = await verifyToken(request, env)
    if (subject === undefined) return refuse(requestID)
    const memberships = await deleteUser(env.DB, scope, subject, requestID)
    if (memberships === undefined) return new Response(null, { status: 404 })
    const headers = { 'Cache-Control': 'no-store', 'X-Request-Id': requestID }
    const response = new Response(null, { headers })
    writeLine({
      requestID,
      method: request.method,
      route: ROUTE,
      status: 200,
      durationMs: Date.now() - startedAt,
      actor: { kind: 'user', subject },
      scope,
      groupsRemoved: memberships.changes,
      database: {
        attempts: 1,
        sqlMs: memberships.duration,
        rowsRead: memberships.rows_read,
        rowsWritten: memberships.rows_written,
      },
    })
    return response
  },
}

const ROUTE = '/api/v1/organizations/{organizationID}/users/{userID}'

/** The decoded IDs of the path. */
export function readTarget(request: Request): Target {
  const segments = new URL(request.url).pathname.split('/')
  return {
    organizationID: decodeURIComponent(segments[4] ?? ''),
    userID: decodeURIComponent(segments[6] ?? ''),
  }
}

let key: CryptoKey | undefined

/**
 * The subject of a valid ES256 access token, or undefined. Verifies by one imported key, with this project's options of
 * jose: no key set, no rotation, no reason of a refusal.
 */
async function verifyToken(request: Request, env: Env): Promise<string | undefined> {
  Error.stackTraceLimit = 0 // capturing the stack of a refusal costs time, and this Worker logs no frames
  const token = request.headers.get('Authorization')?.slice('Bearer '.length) ?? ''
  key ??= (await importJWK(JSON.parse(env.PUBLIC_KEY) as JWK, 'ES256')) as CryptoKey
  try {
    const { payload } = await jwtVerify(token, key, {
      issuer: env.TOKEN_ISSUER,
      audience: env.TOKEN_AUDIENCE,
      typ: 'at+jwt',
      algorithms: ['ES256'],
      clockTolerance: 30,
      requiredClaims: ['iss', 'aud', 'exp', 'sub'],
    })
    return payload.sub
  } catch {
    return undefined
  }
}

function refuse(requestID: string): Response {
  const body = '{"error":"access_denied","error_description":"authentication failed"}'
  return new Response(body, {
    status: 401,
    headers: {
      'Cache-Control': 'no-store',
      'Content-Type': 'application/json',
      'WWW-Authenticate':
        'Bearer realm="identity", error="invalid_token", error_description="the access token is invalid"',
      'X-Request-Id': requestID,
    },
  })
}

function writeLine(members: Readonly<Record<string, unknown>>): void {
  console.log(JSON.stringify({ message: 'request', ...members }))
}

const RECORD = `INSERT INTO user_deletions (id, organization_id, organization_user_id, user_id, actor_kind,
    actor_subject, groups_removed, request_id, idempotency_key, deleted_at)
  SELECT ?1, organization_id, id, user_id, 'user', ?2,
    (SELECT count(*) FROM group_members WHERE organization_user_id = ?5), ?3, NULL, ?4
  FROM organization_users WHERE id = ?5 AND organization_id = ?6`
const MEMBERSHIPS = `DELETE FROM group_members WHERE organization_user_id = ?1 AND organization_id = ?2`
const USER = `DELETE FROM organization_users WHERE id = ?1 AND organization_id = ?2`

/** Deletes the user in one batch. Returns the metadata of its memberships, or undefined if there is no such user. */
async function deleteUser(
  database: D1Database,
  { organizationID, userID }: Target,
  subject: string,
  requestID: string,
): Promise<D1Meta | undefined> {
  const id = crypto.randomUUID()
  const [record, memberships] = await database.batch([
    database.prepare(RECORD).bind(id, subject, requestID, Date.now(), userID, organizationID),
    database.prepare(MEMBERSHIPS).bind(userID, organizationID),
    database.prepare(USER).bind(userID, organizationID),
  ])
  return record?.meta.changes === 1 ? memberships?.meta : undefined
}
