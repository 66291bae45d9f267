/**
 * Which tokens are valid: claims, header, form, size, and the Authorization header that presents them. The log has the
 * reason for each rejection; service-binding/outcomes.ts has the response to each reason.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { createKey } from '../dev/test-keys.ts'
import { watch } from './support/database'
import { toCases, type Row } from './support/jwt-cases'
import type { Vars } from './support/worker/caller'
import { SECOND, stopClock } from './support/worker/clock'
import { createHarness, outcomeOf, VALID } from './support/worker/harness'

const HERE = 'https://identity.example'
const OTHER = 'https://other.example'

describe.each<[Vars, Row[]]>([
  [
    {},
    [
      [VALID, 'claims', { client_id: undefined, iat: undefined, jti: undefined }],
      ['401 jwt_malformed', 'payloadText', '[]', '"text"', 'null', '1', '', '{', '{"sub":}'],
      ['401 jwt_malformed', 'headerText', '[]', '"x"', 'null', '', '{', '{"alg":"ES256"'],

      ['401 jwt_issuer_mismatch', 'claims.iss', undefined, null, OTHER],
      [VALID, 'claims.aud', [HERE], [OTHER, HERE], [null, HERE], [7, HERE], [{}, [], HERE]],
      ['401 jwt_audience_mismatch', 'claims.aud', undefined, null, 7, '', [], [null], [7]],
      ['401 jwt_audience_mismatch', 'claims.aud', OTHER, [OTHER], [[HERE]], { [HERE]: true }],
      ['401 jwt_audience_mismatch', 'claims.aud', `${HERE}/`, `${HERE} ${OTHER}`],
      ['401 jwt_audience_mismatch', 'claims.aud', HERE.toUpperCase()],
      ['401 jwt_claims_invalid', 'claims.sub', undefined, null, '', 5, true, ['a'], {}],
      ['401 jwt_claims_invalid', 'claims.exp', undefined, null, '1900000000', true, [1e10], {}],
      ['401 jwt_claims_invalid', 'claims.iat', null, '1900000000', true, [1e10], {}],
      ['401 jwt_not_yet_valid', 'claims.nbf', null, '1900000000', true, [1e10], {}],
      ['401 jwt_issuer_mismatch', 'claims', { exp: 1, iss: OTHER }],

      [VALID, 'header.typ', 'at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/At+JWT'],
      ['401 jwt_type_mismatch', 'header.typ', undefined, null, 5, '', 'JWT', 'jwt', 'at'],
      ['401 jwt_type_mismatch', 'header.typ', 'at+jwt ', 'text/at+jwt', ['at+jwt']],
      ['401 jwt_algorithm_not_allowed', 'header.alg', 'none', 'None', 'HS256', 'HS512', 'RS384'],
      ['401 jwt_algorithm_not_allowed', 'header.alg', 'ES256K', 'es256', 'dir', 'RSA-OAEP'],
      ['401 jwt_malformed', 'header.alg', 5, null, ['ES256'], {}, ''],
      ['401 jwt_malformed', 'header', { crit: ['exp'], exp: 1 }, { crit: ['b64'], b64: false }],
      ['401 jwt_malformed', 'header', { crit: ['urn:example:unknown'], 'urn:example:unknown': 1 }],
      ['401 jwt_malformed', 'header.crit', ['missing'], [], 'exp', null],
    ],
  ],
  [
    { TOKEN_TYPE: 'JWT' },
    [
      [VALID, 'header.typ', 'JWT', 'jwt', 'application/jwt'],
      ['401 jwt_type_mismatch', 'header.typ', 'at+jwt', undefined],
    ],
  ],
  [{ TOKEN_TYPE: 'application/at+jwt' }, [[VALID, 'header.typ', 'at+jwt']]],
  [{ TOKEN_TYPE: 'vnd.example+jwt' }, [['401 jwt_type_mismatch', 'header.typ', 'at+jwt']]],
  [
    { TOKEN_TYPE: 'none' },
    [
      [VALID, 'header.typ', undefined],
      ['401 jwt_type_mismatch', 'header.typ', 'at+jwt', 'JWT', 'none', '', null],
    ],
  ],
  [
    { REQUIRED_SCOPE: 'users:delete' },
    [
      [VALID, 'claims.scope', 'users:delete', 'openid users:delete profile'],
      [VALID, 'claims.scope', ['openid', 'users:delete'], ['users:delete', 7]],
      [VALID, 'claims.scp', 'openid users:delete', ['users:delete']],
      [VALID, 'claims', { scope: 'users:delete', scp: 'openid' }],
      ['403 scope_lacking', 'claims.scope', undefined, null, 7, '', [], 'openid'],
      ['403 scope_lacking', 'claims.scope', 'my-users:delete', 'users:delete:all'],
      ['403 scope_lacking', 'claims.scope', 'Users:Delete', 'users:delete,openid'],
      ['403 scope_lacking', 'claims.scope', 'openid\tusers:delete', ['openid users:delete']],
      ['403 scope_lacking', 'claims.scope', [['users:delete']], { 'users:delete': true }],
      ['403 scope_lacking', 'claims', { scope: 'openid', scp: 'users:delete' }],
      ['403 scope_lacking', 'claims', { scope: null, scp: 'users:delete' }],
      ['403 scope_lacking', 'claims.scopes', 'users:delete'],
    ],
  ],
])('with the variables %o, a token with', (vars, rows) => {
  test.each(toCases(rows))('$part $value gets $outcome', async ({ changes, outcome }) => {
    const { judge } = await createHarness({ vars })
    expect(await judge(changes)).toBe(outcome)
  })
})

test('compares the issuer exactly', async () => {
  const { issuer, judge } = await createHarness()
  const { TOKEN_ISSUER: own } = issuer.vars
  for (const iss of [`${own}/`, own.toUpperCase(), `${own} `, own.slice(0, -1), [own]]) {
    expect([iss, await judge({ claims: { iss } })]).toEqual([iss, '401 jwt_issuer_mismatch'])
  }
})

test.each([
  ['exp', -29, VALID],
  ['exp', -30, '401 jwt_expired'],
  ['exp', 60.5, VALID],
  ['nbf', 30, VALID],
  ['nbf', 31, '401 jwt_not_yet_valid'],
  ['nbf', -60.5, VALID],
  ['iat', 3_600, VALID],
  ['iat', -999_999_999.5, VALID],
])('a token with %s %d s from now gets %s', async (name, offset, outcome) => {
  stopClock()
  const { judge } = await createHarness()
  expect(await judge({ claims: { [name]: Date.now() / SECOND + offset } })).toBe(outcome)
})

test.each([
  ['exp', '1e400', '401 jwt_malformed'],
  ['exp', '-1e400', '401 jwt_malformed'],
  ['nbf', '1e400', '401 jwt_not_yet_valid'],
  ['nbf', '-1e400', '401 jwt_malformed'],
  ['iat', '1e400', '401 jwt_malformed'],
])('a token with %s %s, which JSON reads as infinite, gets %s', async (name, number, outcome) => {
  const { issuer, fixture, judge } = await createHarness()
  const claims = JSON.stringify(issuer.claims(fixture.administrator.person.subject))
  const payloadText = `${claims.slice(0, -1)},"${name}":${number}}`
  expect(await judge({ payloadText })).toBe(outcome)
})

describe('the subject', () => {
  const LONG = `CN=Zoë 中文,OU=${'x'.repeat(300)},O="A \\ B"`
  const subjects = ['Zo\u00EB', '\u{FFFD}x', "o'neil+test@sub.example", LONG]

  test('is any text, compared byte for byte', async () => {
    const { callAs, fixture } = await createHarness({
      seed(seed, { organizationID, administrators: group }) {
        for (const subject of subjects) {
          seed.member(organizationID, { groups: [group], personOptions: { subject } })
        }
      },
    })
    const absent = { ...fixture.target, userID: 'absent' }
    for (const subject of subjects) {
      const response = await callAs(subject, absent)
      expect(outcomeOf(response)).toBe(VALID)
      expect(response.line.actor?.subject).toBe(subject)
    }
    const { administrator } = fixture
    const others = ['zo\u00EB', 'Zoe\u0308', 'Zo\u00EB ', 'Zo\u00EB\u0000']
    for (const other of [...others, administrator.person.id, administrator.userID]) {
      expect(outcomeOf(await callAs(other, absent))).toBe('401 caller_unknown')
    }
    // The database would read half a surrogate pair as U+FFFD.
    expect(outcomeOf(await callAs('\uD800x', absent))).toBe('401 jwt_claims_invalid')
  })

  test('of a person and of a service account identifies neither', async () => {
    const { callAs } = await createHarness({
      seed(seed, { organizationID, administrators }) {
        seed.serviceAccount(organizationID, [administrators], 'twice')
        const personOptions = { subject: 'twice', globalRoles: ['platform-administrator'] }
        seed.member(organizationID, { groups: [administrators], personOptions })
      },
    })
    expect(outcomeOf(await callAs('twice'))).toBe('401 caller_unknown')
  })
})

test('reads no permission from claims', async () => {
  const { token, call, fixture } = await createHarness({ vars: { REQUIRED_SCOPE: 'all' } })
  const { auditor, administrators, target } = fixture
  const claims = { roles: ['platform-administrator'], groups: [administrators], scope: 'all' }
  const response = await call({ ...target, token: await token(auditor, { claims }) })
  expect(outcomeOf(response)).toBe('403 not_permitted')
})

test('never uses the key in jwk, nor the URLs in jku and x5u', async () => {
  const attacker = await createKey('ES256')
  const { issuer, judge } = await createHarness()
  const header = { jku: `${OTHER}/jwks`, x5u: `${OTHER}/certificate`, jwk: attacker.publicJWK }
  expect(await judge({ header })).toBe(VALID)
  const forged = { key: attacker, header: { ...header, kid: issuer.keys[0].kid } }
  expect(await judge(forged)).toBe('401 jwt_signature_invalid')
  expect(await judge({ key: attacker, header })).toBe('401 jwt_unknown_key')
  const urls = issuer.endpoint.requests.map(({ url }) => url)
  expect(new Set(urls)).toEqual(new Set([issuer.vars.JWKS_URL]))
  expect(fetch).toHaveBeenCalledTimes(urls.length)
})

/** T is a valid token, H.P.S are its parts, and I and Q parts of another valid token. */
describe('the Authorization header', () => {
  test.each(
    [
      ['200', 'Bearer T', 'bearer T', 'bEaReR T', 'Bearer      T', '  Bearer T', 'Bearer T  \t'],
      ['401 token_missing', 'T', 'Basic T', 'DPoP T', 'Bearers T', 'Bear T', 'Token Bearer T'],
      ['401 token_missing', ' ', ',Bearer T', 'Bearer', 'Bearer '],
      ['401 jwt_malformed', 'Bearer\tT', 'Bearer \tT', 'Bearer T T', 'Bearer T, Bearer T'],
      ['401 jwt_malformed', 'Bearer T,', 'Bearer "T"', 'Bearer token=T', 'Bearer Bearer T'],
      ['401 jwt_malformed', 'Bearer=T', 'Bearer:T', 'Bearer x', 'Bearer H.P', 'Bearer H.P.'],
      ['401 jwt_malformed', 'Bearer H..S', 'Bearer .P.S', 'Bearer T.x', 'Bearer T.x.x'],
      ['401 jwt_malformed', 'Bearer T==', 'Bearer H==.P.S', 'Bearer H.P=.S', 'Bearer H. P.S'],
      ['401 jwt_malformed', 'Bearer H.P.+S', 'Bearer H.%0A.S'],
      ['401 jwt_signature_invalid', 'Bearer H.Q.S', 'Bearer I.P.S', 'Bearer H.P.AAAA'],
    ].flatMap(([outcome, ...texts]) => texts.map((text) => ({ outcome, text }))),
  )('$text gets $outcome', async ({ outcome, text }) => {
    const { token, call, fixture } = await createHarness()
    // With 10 in it, the padding of the header would be two characters.
    const T = await token(fixture.administrator, { header: { x: 10 } })
    const [H, P, S] = T.split('.')
    const [I, Q] = (await token(fixture.auditor, { header: { x: 20 } })).split('.')
    const parts: Readonly<Record<string, string | undefined>> = { T, H, P, S, I, Q }
    const Authorization = text.replaceAll(/\b[THPSIQ]\b/g, (name) => parts[name]!)
    expect(outcomeOf(await call({ ...fixture.target, headers: { Authorization } }))).toBe(outcome)
  })
})

test('reads a token from the Authorization header alone', async () => {
  const { token, call, fixture } = await createHarness()
  const access_token = await token(fixture.administrator)
  const response = await call({
    path: `/api/v1/organizations/o/users/u?access_token=${access_token}`,
    headers: {
      Cookie: `access_token=${access_token}`,
      'X-Access-Token': access_token,
      'Proxy-Authorization': `Bearer ${access_token}`,
    },
    body: new URLSearchParams({ access_token }),
  })
  expect(outcomeOf(response)).toBe('401 token_missing')
})

test.each([
  [8_192, '401 jwt_malformed'],
  [8_193, '401 token_oversize'],
])('a text of %d bytes in place of a token gets %s', async (bytes, outcome) => {
  const { call, fixture } = await createHarness()
  expect(outcomeOf(await call({ ...fixture.target, token: 'x'.repeat(bytes) }))).toBe(outcome)
})

test('neither fetches keys nor queries the database for a text that is no token', async () => {
  const { db, calls } = watch(env.DB)
  const { call, fixture } = await createHarness({ vars: { DB: db } })
  for (const token of ['', 'x', 'x.y.z', 'a'.repeat(9_000)]) {
    expect((await call({ ...fixture.target, token })).status).toBe(401)
  }
  expect((await call(fixture.target)).status).toBe(401)
  expect(calls).toEqual([])
  expect(fetch).not.toHaveBeenCalled()
})
