/**
 * Every row of the table of outcomes that is not a deletion: the whole answer, and the reason in the log. That a refusal
 * also changes nothing is asked of every row.
 */
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { compare, readDatabase } from './support/database'
import { withStatus } from './support/jwks-answers'
import type { Seed } from './support/seed'
import type { Answer, Vars } from './support/worker/caller'
import { setStage, type Stage } from './support/worker/stage'
import type { World } from './support/world'

const REALM = 'Bearer realm="identity"'
const INVALID = `${REALM}, error="invalid_token", error_description="the access token is invalid"`
const EXPIRED = `${REALM}, error="invalid_token", error_description="the access token expired"`
const HOUR = 3_600

const UNAUTHORIZED = { error: 'access_denied', error_description: 'authentication failed' }
const FORBIDDEN = {
  error: 'forbidden',
  error_description: 'user credentials do not have the required privileges',
}
const NOT_FOUND = {
  error: 'not_found',
  error_description: 'the requested resource does not exist',
}
const NOT_ALLOWED = {
  error: 'method_not_allowed',
  error_description: 'the requested method is not allowed',
}
const SERVER_ERROR = {
  error: 'server_error',
  error_description: 'an unexpected error occurred, which may succeed on a retry',
}
const ALLOW = { allow: 'DELETE, OPTIONS' }

interface Row {
  readonly when: string
  readonly status: number
  readonly body: object
  /** Headers besides those that every failure has. */
  readonly headers?: Readonly<Record<string, string>>
  readonly reason: string
  readonly vars?: Vars
  readonly seed?: (seed: Seed, world: World) => void
  readonly act: (stage: Stage) => Promise<Answer>
}

const unauthorized = (challenge: string) => ({
  status: 401,
  body: UNAUTHORIZED,
  headers: { 'www-authenticate': challenge },
})
const forbidden = { status: 403, body: FORBIDDEN }
const notFound = { status: 404, body: NOT_FOUND }
const now = (): number => Math.floor(Date.now() / 1_000)
const stranger = (state: 'pending' | 'suspended') => (seed: Seed) =>
  void seed.person({ subject: state, state, globalRoles: ['platform-administrator'] })

const rows: Row[] = [
  {
    when: 'there is no Authorization',
    ...unauthorized(REALM),
    reason: 'token_missing',
    act: ({ call, world }) => call(world.target),
  },
  {
    when: 'the scheme is another than Bearer',
    ...unauthorized(REALM),
    reason: 'token_missing',
    act: ({ call, world }) => call({ ...world.target, headers: { Authorization: 'Basic eDp5' } }),
  },
  {
    when: 'the token expired',
    ...unauthorized(EXPIRED),
    reason: 'jwt_expired',
    act: ({ callWith }) => callWith({ claims: { exp: now() - HOUR } }),
  },
  {
    when: 'the token is malformed',
    ...unauthorized(INVALID),
    reason: 'jwt_malformed',
    act: ({ call, world }) => call({ ...world.target, token: 'not.a-token' }),
  },
  {
    when: 'the token is larger than 8 KiB',
    ...unauthorized(INVALID),
    reason: 'token_oversize',
    act: ({ callWith }) => callWith({ claims: { padding: 'x'.repeat(8_192) } }),
  },
  {
    when: 'the signature is not the key’s',
    ...unauthorized(INVALID),
    reason: 'jwt_signature_invalid',
    act: ({ callWith }) => callWith({ sign: async () => new Uint8Array(64) }),
  },
  {
    when: 'nobody knows the key',
    ...unauthorized(INVALID),
    reason: 'jwt_unknown_key',
    act: ({ callWith }) => callWith({ header: { kid: 'unknown' } }),
  },
  {
    when: 'the issuer is another',
    ...unauthorized(INVALID),
    reason: 'jwt_issuer_mismatch',
    act: ({ callWith }) => callWith({ claims: { iss: 'https://other.example' } }),
  },
  {
    when: 'the audience is another',
    ...unauthorized(INVALID),
    reason: 'jwt_audience_mismatch',
    act: ({ callWith }) => callWith({ claims: { aud: 'https://other.example' } }),
  },
  {
    when: 'the type is another',
    ...unauthorized(INVALID),
    reason: 'jwt_type_mismatch',
    act: ({ callWith }) => callWith({ header: { typ: 'JWT' } }),
  },
  {
    when: 'the algorithm is not allowed',
    ...unauthorized(INVALID),
    reason: 'jwt_algorithm_not_allowed',
    act: ({ callWith }) => callWith({ header: { alg: 'none' } }),
  },
  {
    when: 'the token is not yet valid',
    ...unauthorized(INVALID),
    reason: 'jwt_not_yet_valid',
    act: ({ callWith }) => callWith({ claims: { nbf: now() + HOUR } }),
  },
  {
    when: 'a claim is missing',
    ...unauthorized(INVALID),
    reason: 'jwt_claims_invalid',
    act: ({ callWith }) => callWith({ claims: { sub: undefined } }),
  },
  {
    when: 'nobody knows the caller',
    ...unauthorized(INVALID),
    reason: 'caller_unknown',
    act: ({ callAs }) => callAs('a stranger'),
  },
  {
    when: 'the caller is suspended on the platform',
    ...unauthorized(INVALID),
    reason: 'caller_suspended',
    seed: stranger('suspended'),
    act: ({ callAs }) => callAs('suspended'),
  },
  {
    when: 'the caller is pending on the platform',
    ...unauthorized(INVALID),
    reason: 'caller_pending',
    seed: stranger('pending'),
    act: ({ callAs }) => callAs('pending'),
  },
  {
    when: 'the token lacks the required scope',
    ...forbidden,
    headers: { 'www-authenticate': `${REALM}, error="insufficient_scope", scope="users:delete"` },
    vars: { REQUIRED_SCOPE: 'users:delete' },
    reason: 'scope_lacking',
    act: ({ callAs, world }) => callAs(world.administrator),
  },
  {
    when: 'the caller may not delete users here',
    ...forbidden,
    reason: 'not_permitted',
    act: ({ callAs, world }) => callAs(world.auditor),
  },
  {
    when: 'the organization has no such user',
    ...notFound,
    reason: 'user_not_found',
    act: ({ callAs, world }) =>
      callAs(world.administrator, { organizationID: world.organizationID, userID: 'nobody' }),
  },
  {
    when: 'the target is the last administrator of an organization that keeps one',
    status: 403,
    body: {
      error: 'forbidden',
      error_description:
        'the last administrator of an organization can only be removed by a platform administrator',
    },
    vars: { KEEP_LAST_ADMINISTRATOR: 'true' },
    reason: 'last_administrator',
    act: ({ callAs, world }) => callAs(world.administrator, world.administrator),
  },
  {
    when: 'nothing is at the path',
    ...notFound,
    reason: 'route_not_found',
    act: ({ callAs, world }) => callAs(world.administrator, { path: '/nowhere' }),
  },
  {
    when: 'the method is another',
    status: 405,
    body: NOT_ALLOWED,
    headers: ALLOW,
    reason: 'method_not_allowed',
    act: ({ callAs, world }) => callAs(world.administrator, { ...world.target, method: 'GET' }),
  },
  {
    when: 'there are no keys to judge the token with',
    status: 500,
    body: SERVER_ERROR,
    headers: { 'retry-after': '1' },
    reason: 'jwks_unavailable',
    act: ({ callAs, world, issuer }) => {
      issuer.endpoint.answer = withStatus(503, '')
      return callAs(world.administrator)
    },
  },
  {
    when: 'the configuration is incomplete',
    status: 500,
    body: SERVER_ERROR,
    vars: { TOKEN_ISSUER: undefined },
    reason: 'configuration:TOKEN_ISSUER',
    act: ({ callAs, world }) => callAs(world.administrator),
  },
  {
    when: 'the database fails',
    status: 500,
    body: SERVER_ERROR,
    vars: { DB: failingDatabase('D1_ERROR: UNIQUE constraint failed: SQLITE_CONSTRAINT') },
    reason: 'database_failed',
    act: ({ callAs, world }) => callAs(world.administrator),
  },
]

test.each(rows)('$status where $when', async (row) => {
  const { vars, seed, status, body, headers = {}, reason } = row
  const stage = await setStage({ ...(vars && { vars }), ...(seed && { seed }) })
  const before = await readDatabase(env.DB)

  const answer = await row.act(stage)

  expect(answer.status).toBe(status)
  expect(answer.body).toBe(JSON.stringify(body))
  const { 'x-request-id': requestID, ...rest } = Object.fromEntries(answer.headers)
  const common = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  expect(rest).toEqual({ ...common, ...headers })
  expect(answer.line).toMatchObject({ requestID, status, reason, error: Object.values(body)[0] })
  expect(compare(before, await readDatabase(env.DB))).toEqual({ removed: {}, added: {} })
})

test('a failure of the database is never shown to the caller', async () => {
  const DB = failingDatabase('D1_ERROR: near "secret": syntax error')
  const { callAs, world } = await setStage({ vars: { DB } })
  const answer = await callAs(world.administrator)
  expect(answer.body).not.toContain('secret')
  expect(JSON.stringify(answer.line)).not.toContain('secret')
})

function failingDatabase(message: string) {
  return {
    prepare: () => ({ bind: () => ({}) }),
    batch: async () => {
      throw new Error(message)
    },
  }
}
