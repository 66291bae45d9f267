/**
 * Random requests with odd methods, paths, encodings, headers and tokens. Each is well-formed HTTP, so that the runtime
 * passes it to the Worker.
 */
import * as fc from 'fast-check'
import type { Issuer } from '../../dev/test-issuer.ts'
import type { SigningKey } from '../../dev/test-keys.ts'

/** A text in the header and the claims of every token: what contains it contains a part of a token. */
export const CANARY = 'canary-7f3a1c'

/** IDs and subjects of the database under test. */
export interface Known {
  readonly organizationIDs: readonly string[]
  readonly userIDs: readonly string[]
  readonly subjects: readonly string[]
}

/** Arbitraries with their weights. */
const weighted = <T>(...choices: readonly [weight: number, fc.Arbitrary<T>][]): fc.Arbitrary<T> =>
  fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })))
const mostly = <T>(usual: T, odd: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  weighted([4, fc.constant(usual)], [1, odd])
const words = (text: string): fc.Arbitrary<string> => fc.constantFrom(...text.split(' '))

/** Parts of odd IDs. */
const soup = fc
  .array(
    words(
      "% %2 %zz %00 %2F %2f %5c %2e%2e . .. %C3%A9 %ED%A0%80 %FF %F0%9F%98%80 ' ; -- + * @ : ~ [ ] a Z 0 " +
        '%25 %2525 %0d%0a %09 %20 $ ! ( ) , =',
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''))
const visible = fc.stringMatching(/^[!#-;=?-Z\]_a-z~]{0,40}$/)
/** Characters that a URL must escape: the runtime refuses most of them. */
const unsafe = fc.stringMatching(/^["<>\\^`{|}]{1,3}$/)
const unicode = fc.string({ unit: 'binary', maxLength: 40 }).map(encodeURIComponent)
const long = fc
  .tuple(words("x %00 %E2%82%AC .. '"), fc.integer({ min: 1, max: 800 }))
  .map(([part, times]) => part.repeat(times))
const latin = fc
  .array(
    fc.integer({ min: 0x20, max: 0xff }).filter((code) => code !== 0x7f),
    { maxLength: 60 },
  )
  .map((codes) => String.fromCharCode(...codes))

function paths({ organizationIDs, userIDs }: Known): fc.Arbitrary<string> {
  const id = (known: readonly string[]): fc.Arbitrary<string> =>
    weighted(
      [6, fc.constantFrom(...known).map(encodeURIComponent)],
      [2, unicode],
      [2, soup],
      [1, visible],
      [1, long],
      [1, unsafe],
    )
  const usual = fc
    .tuple(id(organizationIDs), id(userIDs))
    .map(([organization, user]) => `/api/v1/organizations/${organization}/users/${user}`)
  const segment = fc.oneof(words('api v1 organizations users API Users . .. %2e'), soup)
  const mixed = fc.array(segment, { maxLength: 9 }).map((segments) => `/${segments.join('/')}`)
  const end = weighted(
    [6, fc.constant('')],
    [1, words('/ // /.. /. ? #')],
    [1, fc.tuple(words('? # /'), soup).map((parts) => parts.join(''))],
  )
  return fc.tuple(weighted([8, usual], [2, mixed]), end).map((parts) => parts.join(''))
}

/** Headers that the Worker reads, and some that it must not read. */
const headers: fc.Arbitrary<Readonly<Record<string, string>>> = fc.record(
  {
    'Idempotency-Key': fc.oneof(words('one two'), latin),
    'X-Request-Id': fc.oneof(fc.stringMatching(/^[\w.-]{1,128}$/), latin),
    Traceparent: fc.oneof(
      fc.stringMatching(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/),
      latin,
    ),
    Origin: fc.oneof(words('https://app.example https://evil.example null'), latin),
    'Access-Control-Request-Method': words('DELETE GET'),
    'X-HTTP-Method-Override': words('DELETE GET'),
    'X-Original-URL': visible,
    'X-Forwarded-For': visible,
    Cookie: latin,
    Accept: words('*/* text/html application/json;q=0'),
    'Accept-Encoding': words('gzip br identity *;q=0'),
    'Content-Type': words('application/json text/plain multipart/form-data'),
    Range: words('bytes=0-0 bytes=-1'),
    'If-None-Match': words('* "x"'),
  },
  { requiredKeys: [] },
)

/** One or two members with any JSON value. */
const members = (names: string): fc.Arbitrary<Readonly<Record<string, fc.JsonValue>>> =>
  mostly({}, fc.dictionary(words(names), fc.jsonValue(), { minKeys: 1, maxKeys: 2 }))

const tokens = (subjects: readonly string[]) =>
  fc.record({
    before: weighted(
      [12, fc.constantFrom('Bearer ', 'bearer ', 'BEARER    ')],
      [1, fc.constantFrom('Bearer', 'Basic ', 'DPoP ', 'Bearer\t', 'Bearer Bearer ', '')],
      [1, latin],
    ),
    subject: weighted(
      [4, fc.constantFrom(...subjects)],
      [1, fc.string({ unit: 'binary', maxLength: 60 })],
    ),
    header: members('alg kid typ crit b64 jku jwk x5u x5c cty zip enc'),
    claims: members('iss aud exp nbf iat sub scope scp cnf jti __proto__'),
    /** The whole payload in place of the claims. */
    payload: mostly<fc.JsonValue | undefined>(undefined, fc.jsonValue()),
    isForged: mostly(false, fc.constant(true)),
    /** Cuts the token off at a place, or replaces a character. */
    change: mostly<{ readonly at: number; readonly to: string | null } | null>(
      null,
      fc.record({
        at: fc.integer({ min: 0, max: 600 }),
        to: fc.constantFrom(null, null, null, null, '.', '=', '+', 'A', '-', '"', '~'),
      }),
    ),
    after: weighted([12, fc.constant('')], [1, fc.constantFrom(' ', ', Bearer x', '=', '.', ' x')]),
  })

/** The parts of the header `Authorization` with a token. */
type Token = ReturnType<typeof tokens> extends fc.Arbitrary<infer Value> ? Value : never

/** Every kind of request; its token is signed when it is sent. */
export const hostileRequests = (known: Known) =>
  fc.record({
    method: weighted(
      [7, fc.constant('DELETE')],
      [3, words('GET HEAD POST PUT PATCH OPTIONS TRACE PROPFIND QUERY')],
    ),
    path: paths(known),
    host: weighted(
      [12, fc.constant('identity.example')],
      [1, fc.constantFrom('[', 'a b', 'a:99999', 'a/b', 'a@b', '%00', '[::1]', '-')],
    ),
    headers,
    authorization: weighted<Token | string | null>(
      [10, tokens(known.subjects)],
      [1, latin],
      [1, fc.constant(null)],
    ),
    body: fc.option(
      fc.jsonValue().map((value) => JSON.stringify(value)),
      { freq: 6 },
    ),
    worker: fc.constantFrom('plain', 'strict'),
  })

/** A request. */
export type HostileRequest =
  ReturnType<typeof hostileRequests> extends fc.Arbitrary<infer Value> ? Value : never

/** The header `Authorization` with a signed token. */
export async function writeToken(
  token: Token,
  issuer: Issuer,
  stranger: SigningKey,
): Promise<string> {
  const { payload, change } = token
  const signed = await issuer.token(token.subject, {
    header: { canary: CANARY, ...token.header },
    claims: { email: CANARY, scope: 'users', ...token.claims },
    ...(payload === undefined ? {} : { payloadText: JSON.stringify([CANARY, payload]) }),
    ...(token.isForged ? { key: stranger, header: { kid: issuer.keys[0].kid } } : {}),
  })
  if (change === null) return token.before + signed + token.after
  const rest = change.to === null ? '' : change.to + signed.slice(change.at + 1)
  return token.before + signed.slice(0, change.at) + rest + token.after
}
