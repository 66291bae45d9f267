/**
 * The table of cases for both doors: every kind of outcome, the order of checks where several would fail, and the fields
 * that a caller may add.
 */
import { createKey } from '../support/keys'
import {
  ask,
  askAs,
  failed,
  forbidden,
  lastAdministrator,
  notFound,
  ODD_ID,
  PENDING,
  removed,
  SUSPENDED,
  unauthorized,
  type DoorCase,
} from './door-case'

type Calls = DoorCase['calls']

const anHourAgo = () => Math.floor(Date.now() / 1_000) - 3_600

/** The administrator's call twice: with one key, with two, or with none. */
function twice(keys: readonly string[] = []): Calls {
  return async (at) => {
    const [first] = await ask(keys[0] === undefined ? {} : { idempotencyKey: keys[0] })(at)
    const second = keys[1] === undefined ? first : { ...first!, idempotencyKey: keys[1] }
    return [first!, second!]
  }
}

const success = (title: string, calls: Calls): DoorCase => {
  return { title, calls, outcome: removed, batches: 1 }
}
const badToken = (title: string, reason: string, calls: Calls): DoorCase => {
  return { title, calls, outcome: unauthorized, reason, batches: 0 }
}
const badCaller = (title: string, reason: string, calls: Calls): DoorCase => {
  return { title, calls, outcome: unauthorized, reason, batches: 1 }
}
const notPermitted = (title: string, calls: Calls): DoorCase => {
  return { title, calls, outcome: forbidden, reason: 'not_permitted', batches: 1 }
}
const nobodyThere = (title: string, calls: Calls): DoorCase => {
  return { title, calls, outcome: notFound, reason: 'user_not_found', batches: 1 }
}

/** Every case. */
export const cases: readonly DoorCase[] = [
  success('an administrator deletes a user', ask()),
  success(
    'a service account deletes a user',
    askAs((world) => world.serviceAccount),
  ),
  success(
    'a platform administrator deletes a user',
    askAs((world) => world.platformAdministrator.subject),
  ),
  success('an administrator deletes itself', (at) =>
    ask({ userID: at.world.administrator.userID })(at),
  ),
  success('an ID that needs escaping in a URL', ask({ userID: ODD_ID })),
  success('the same idempotency key once more', twice(['key-1', 'key-1'])),

  badToken('a token above 8 KiB', 'token_oversize', ask({ token: `${'a'.repeat(8_192)}.b.c` })),
  badToken('an expired token', 'jwt_expired', (at) =>
    ask({}, { claims: { exp: anHourAgo() } })(at),
  ),
  badToken('a token for later', 'jwt_not_yet_valid', (at) =>
    ask({}, { claims: { nbf: anHourAgo() + 7_200 } })(at),
  ),
  badToken('another issuer', 'jwt_issuer_mismatch', ask({}, { claims: { iss: 'https://x.test' } })),
  badToken('another audience', 'jwt_audience_mismatch', ask({}, { claims: { aud: ['x'] } })),
  badToken('another type of token', 'jwt_type_mismatch', ask({}, { header: { typ: 'JWT' } })),
  badToken('no subject', 'jwt_claims_invalid', ask({}, { claims: { sub: undefined } })),
  badToken('a token bound to a key', 'jwt_sender_constrained', ask({}, { claims: { cnf: {} } })),
  badToken('an unsigned token', 'jwt_algorithm_not_allowed', ask({}, { header: { alg: 'none' } })),
  badToken('a key that nobody has published', 'jwt_unknown_key', async (at) =>
    ask({}, { key: await createKey('ES256') })(at),
  ),
  badToken(
    'the signature of another key',
    'jwt_signature_invalid',
    ask({}, { sign: async () => new Uint8Array(64).fill(1) }),
  ),
  badToken('a header value in the place of the token', 'jwt_malformed', async (at) => {
    const [call] = await ask()(at)
    return [{ ...call!, token: `Bearer ${call!.token}` }]
  }),
  badToken(
    'a bad token for an organization that does not exist',
    'jwt_malformed',
    ask({ token: 'a.b', organizationID: 'absent' }),
  ),

  badCaller(
    'a caller whom nobody knows',
    'caller_unknown',
    askAs(() => 'a-stranger'),
  ),
  badCaller(
    'a suspended caller',
    'caller_suspended',
    askAs(() => SUSPENDED),
  ),
  badCaller(
    'a pending caller',
    'caller_pending',
    askAs(() => PENDING),
  ),
  badCaller(
    'a caller whom nobody knows, and an absent user',
    'caller_unknown',
    askAs(() => 'a-stranger', { userID: 'absent' }),
  ),

  notPermitted(
    'a member who may only read',
    askAs((world) => world.auditor.person.subject),
  ),
  notPermitted(
    'a member without a group',
    askAs((world) => world.plain.person.subject),
  ),
  notPermitted(
    'an administrator of another organization',
    askAs((world) => world.otherAdministrator.person.subject),
  ),
  notPermitted('an organization that does not exist', ask({ organizationID: 'absent' })),
  notPermitted(
    'a member who may only read, and an absent user',
    askAs((world) => world.auditor.person.subject, { userID: 'absent' }),
  ),

  nobodyThere('a user who does not exist', ask({ userID: 'absent' })),
  nobodyThere('a user of another organization', (at) =>
    ask({ userID: at.world.otherAdministrator.userID })(at),
  ),
  nobodyThere('an ID of 4,000 characters', ask({ userID: 'u'.repeat(4_000) })),
  nobodyThere(
    'a platform administrator, and an organization that does not exist',
    askAs((world) => world.platformAdministrator.subject, { organizationID: 'absent' }),
  ),
  nobodyThere('the same call without an idempotency key', twice()),
  nobodyThere('the same call with another idempotency key', twice(['key-1', 'key-2'])),
  nobodyThere('an idempotency key that is not of the form', twice(['k'.repeat(256)])),

  {
    title: 'a token without the required scope',
    deployment: 'SCOPED',
    calls: ask(),
    outcome: forbidden,
    reason: 'scope_lacking',
    batches: 0,
  },
  {
    title: 'a stranger whose token lacks the required scope',
    deployment: 'SCOPED',
    calls: askAs(() => 'a-stranger'),
    outcome: forbidden,
    reason: 'scope_lacking',
    batches: 0,
  },
  {
    title: 'the last administrator, who must stay',
    deployment: 'KEEPING',
    calls: (at) => ask({ userID: at.world.administrator.userID })(at),
    outcome: lastAdministrator,
    reason: 'last_administrator',
    batches: 1,
  },
  {
    title: 'a configuration without an audience',
    deployment: 'WITHOUT_AUDIENCE',
    unrouted: true,
    calls: ask({ token: 'x' }),
    outcome: failed,
    reason: 'configuration:TOKEN_AUDIENCE',
    batches: 0,
  },
  {
    title: 'an issuer that is down',
    deployment: 'WITHOUT_ISSUER',
    calls: ask(),
    outcome: { ...failed, retryAfter: 1 },
    reason: 'jwks_unavailable',
    batches: 0,
  },
  {
    title: 'a database without tables',
    deployment: 'WITHOUT_TABLES',
    calls: ask(),
    outcome: failed,
    reason: 'database_not_migrated',
    batches: 1,
  },
]
