/**
 * The table of outcomes, for all transports: the call, its outcome, the reason in the log, the number of D1 batches and
 * the challenge over HTTP.
 */
import type { TokenChanges } from '../../dev/test-issuer.ts'
import { createKey } from '../../dev/test-keys.ts'
import type { Seed } from '../../dev/seeder.ts'
import type { DeleteUserOutcome, DeleteUserRequest } from '../../src/identity'
import type { Fixture } from '../support/fixture'

/** Variables of the Worker under test, by the name of its binding. */
export const deployments = {
  USUAL: {},
  SCOPED: { REQUIRED_SCOPE: 'users:delete' },
  KEEPING: { KEEP_LAST_ADMINISTRATOR: 'true' },
  WITHOUT_AUDIENCE: { TOKEN_AUDIENCE: '' },
  WITHOUT_ISSUER: { JWKS_URL: 'http://127.0.0.1:1/jwks' },
  WITHOUT_TABLES: {},
} satisfies Record<string, Record<string, string>>

/** Differences from the call of an administrator who deletes `fixture.target`. */
interface Call {
  readonly deployment?: keyof typeof deployments
  /** A member of `Fixture`, or a subject. */
  readonly caller?: string
  /** The member of `Fixture` to delete. */
  readonly user?: 'administrator' | 'otherAdministrator'
  readonly token?: TokenChanges
  readonly request?: Partial<DeleteUserRequest>
  /** Changes the token after its signature. */
  readonly alter?: (token: string) => string
  /** The call follows a first one; these are their idempotency keys. */
  readonly keys?: readonly [string | undefined, string | undefined]
}

type Row = readonly [title: string, reason: string | undefined, call: Call]

/** One row of the table. */
export interface OutcomeCase extends Call {
  readonly title: string
  readonly outcome: DeleteUserOutcome
  /** The `reason` of the last call's log line. */
  readonly reason: string | undefined
  /** The number of D1 batches of the last call. */
  readonly batches: 0 | 1
  /** The value of `WWW-Authenticate`. */
  readonly challenge: string | null
}

/** A user ID that needs escaping in a URL. */
const ODD_ID = 'ü/%2F?#;💡 \0'

/** Adds a user with an odd ID, and two administrators who are not active. */
export function addToFixture(seed: Seed, { organizationID, administrators }: Fixture): void {
  seed.member(organizationID, { id: ODD_ID })
  for (const state of ['suspended', 'pending'] as const) {
    const personOptions = { subject: `${state}-person`, state }
    seed.member(organizationID, { groups: [administrators], personOptions })
  }
}

const ERRORS = { 401: 'access_denied', 403: 'forbidden', 404: 'not_found', 500: 'server_error' }
const fail = (status: keyof typeof ERRORS, error_description: string) =>
  ({ ok: false, status, error: ERRORS[status], error_description }) as DeleteUserOutcome & {
    ok: false
  }
const LAST =
  'the last administrator of an organization can only be removed by a platform administrator'

export const removed = { ok: true } as const
export const unauthorized = fail(401, 'authentication failed')
export const forbidden = fail(403, 'user credentials do not have the required privileges')
export const notFound = fail(404, 'the requested resource does not exist')
const failed = fail(500, 'an unexpected error occurred, which may succeed on a retry')

const REALM = 'Bearer realm="identity"'
const INVALID = `${REALM}, error="invalid_token", error_description="the access token is invalid"`
const EXPIRED = `${REALM}, error="invalid_token", error_description="the access token expired"`
const SCOPE = `${REALM}, error="insufficient_scope", scope="users:delete"`

function toCases(
  outcome: DeleteUserOutcome,
  batches: 0 | 1,
  challenge: string | null,
  rows: readonly Row[],
): OutcomeCase[] {
  return rows.map(([title, reason, call]) =>
    Object.assign({ title, reason, outcome, batches, challenge }, call),
  )
}

const LONG_KEY = 'k'.repeat(256)
const absentUser = { request: { userID: 'absent' } }
const absentOrganization = { request: { organizationID: 'absent' } }
const scoped = { deployment: 'SCOPED' } as const
const stranger = { caller: 'a-stranger' }
const unconfigured = { deployment: 'WITHOUT_AUDIENCE', request: { token: 'x' } } as const
const claims = (claims: Record<string, unknown>): Call => ({ token: { claims } })
const header = (header: Record<string, unknown>): Call => ({ token: { header } })
const signature = new Uint8Array(64).fill(1)

/** Every row. */
export const cases: readonly OutcomeCase[] = [
  ...toCases(removed, 1, null, [
    ['an administrator deletes a user', undefined, {}],
    ['a service account deletes a user', undefined, { caller: 'serviceAccount' }],
    ['a platform administrator deletes a user', undefined, { caller: 'platformAdministrator' }],
    ['an administrator deletes itself', undefined, { user: 'administrator' }],
    ['an ID that needs escaping in a URL', undefined, { request: { userID: ODD_ID } }],
    ['the same idempotency key once more', undefined, { keys: ['key-1', 'key-1'] }],
  ]),
  ...toCases(unauthorized, 0, REALM, [['no token', 'token_missing', { request: { token: '' } }]]),
  ...toCases(unauthorized, 0, EXPIRED, [['an expired token', 'jwt_expired', claims({ exp: 1 })]]),
  ...toCases(unauthorized, 0, INVALID, [
    ['a token above 8 KiB', 'token_oversize', { alter: (token) => token + 'x'.repeat(8_192) }],
    ['`Bearer` in the token', 'jwt_malformed', { alter: (token) => `Bearer ${token}` }],
    ['a malformed token', 'jwt_malformed', { alter: () => 'a.b', ...absentOrganization }],
    ['a token that is not yet valid', 'jwt_not_yet_valid', claims({ nbf: 99_999_999_999 })],
    ['another issuer', 'jwt_issuer_mismatch', claims({ iss: 'https://x.test' })],
    ['another audience', 'jwt_audience_mismatch', claims({ aud: ['x'] })],
    [
      'another audience, no scope and an absent organization',
      'jwt_audience_mismatch',
      { ...scoped, ...absentOrganization, ...claims({ aud: 'x' }) },
    ],
    ['another type of token', 'jwt_type_mismatch', header({ typ: 'JWT' })],
    ['no subject', 'jwt_claims_invalid', claims({ sub: undefined })],
    ['a token bound to a key', 'jwt_sender_constrained', claims({ cnf: {} })],
    ['an unsigned token', 'jwt_algorithm_not_allowed', header({ alg: 'none' })],
    ['an unpublished key', 'jwt_unknown_key', { token: { key: await createKey('ES256') } }],
    ['an invalid signature', 'jwt_signature_invalid', { token: { sign: async () => signature } }],
  ]),
  ...toCases(unauthorized, 1, INVALID, [
    ['an unknown caller', 'caller_unknown', stranger],
    ['a suspended caller', 'caller_suspended', { caller: 'suspended-person' }],
    ['a pending caller', 'caller_pending', { caller: 'pending-person' }],
    ['an unknown caller, an absent user', 'caller_unknown', { ...stranger, ...absentUser }],
  ]),
  ...toCases(forbidden, 0, SCOPE, [
    ['a token without the required scope', 'scope_lacking', scoped],
    ['an unknown caller without the scope', 'scope_lacking', { ...scoped, ...stranger }],
  ]),
  ...toCases(forbidden, 1, null, [
    ['a member who may only read', 'not_permitted', { caller: 'auditor' }],
    ['a member without a group', 'not_permitted', { caller: 'plain' }],
    ['an administrator of another organization', 'not_permitted', { caller: 'otherAdministrator' }],
    ['an absent organization', 'not_permitted', absentOrganization],
    ['an auditor, an absent user', 'not_permitted', { caller: 'auditor', ...absentUser }],
  ]),
  ...toCases(fail(403, LAST), 1, null, [
    ['the last one', 'last_administrator', { deployment: 'KEEPING', user: 'administrator' }],
  ]),
  ...toCases(notFound, 1, null, [
    ['an absent user', 'user_not_found', absentUser],
    ['a user of another organization', 'user_not_found', { user: 'otherAdministrator' }],
    ['an ID of 4,000 characters', 'user_not_found', { request: { userID: 'u'.repeat(4_000) } }],
    [
      'a platform administrator, an absent organization',
      'user_not_found',
      { caller: 'platformAdministrator', ...absentOrganization },
    ],
    [
      'the same call without an idempotency key',
      'user_not_found',
      { keys: [undefined, undefined] },
    ],
    ['the same call with another key', 'user_not_found', { keys: ['key-1', 'key-2'] }],
    ['the same call with an invalid key', 'user_not_found', { keys: [LONG_KEY, LONG_KEY] }],
  ]),
  ...toCases(failed, 0, null, [
    ['a configuration without an audience', 'configuration:TOKEN_AUDIENCE', unconfigured],
  ]),
  ...toCases({ ...failed, retryAfter: 1 }, 0, null, [
    ['an issuer that is down', 'jwks_unavailable', { deployment: 'WITHOUT_ISSUER' }],
  ]),
  ...toCases(failed, 1, null, [
    ['a database without tables', 'database_not_migrated', { deployment: 'WITHOUT_TABLES' }],
  ]),
]
