/**
 * Requests with odd methods, paths, encodings, headers and tokens, drawn by fast-check. Each is well-formed HTTP, so that
 * the runtime passes it to the Worker.
 */
import {
  array,
  constant,
  constantFrom,
  integer,
  jsonValue,
  option,
  oneof,
  record,
  string,
  stringMatching,
  tuple,
  type Arbitrary,
} from 'fast-check'
import { tokenShapes, type TokenShape } from './tokens'

/** A request; its token is made when it is sent. */
export interface HostileRequest {
  readonly method: string
  readonly path: string
  readonly host: string
  readonly headers: Readonly<Record<string, string>>
  readonly authorization: Authorization
  readonly body: string | null
  /** Which of the Workers under test gets it. */
  readonly worker: 'plain' | 'strict'
}

/** The header's text, or what it is made of. */
export type Authorization =
  null | string | { readonly before: string; readonly shape: TokenShape; readonly after: string }

/** Names that mean something in the database under test. */
export interface Known {
  readonly organizationIDs: readonly string[]
  readonly userIDs: readonly string[]
  readonly subjects: readonly string[]
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY']

/** Parts of odd IDs. */
const SOUP =
  "% %2 %zz %00 %2F %2f %5c %2e%2e . .. %C3%A9 %ED%A0%80 %FF %F0%9F%98%80 ' ; -- + * @ : ~ [ ] a Z 0 " +
  '%25 %2525 %0d%0a %09 %20 $ ! ( ) , ='

const soup = array(constantFrom(...SOUP.split(' ')), { maxLength: 12 }).map((parts) =>
  parts.join(''),
)
const visible = stringMatching(/^[!#-;=?-Z\]_a-z~]{0,40}$/)
/** Characters that a URL must escape: the runtime refuses most of them. */
const unsafe = stringMatching(/^["<>\\^`{|}]{1,3}$/)
const unicode = string({ unit: 'binary', maxLength: 40 }).map(encodeURIComponent)
const long = tuple(
  constantFrom('x', '%00', '%E2%82%AC', '..', "'"),
  integer({ min: 1, max: 800 }),
).map(([part, times]) => part.repeat(times))

const latin = string({
  unit: integer({ min: 0x20, max: 0xff })
    .filter((code) => code !== 0x7f)
    .map((code) => String.fromCharCode(code)),
  maxLength: 60,
})

function paths({ organizationIDs, userIDs }: Known): Arbitrary<string> {
  const id = (known: readonly string[]): Arbitrary<string> =>
    oneof(
      { arbitrary: constantFrom(...known).map(encodeURIComponent), weight: 6 },
      { arbitrary: unicode, weight: 2 },
      { arbitrary: soup, weight: 2 },
      { arbitrary: visible, weight: 1 },
      { arbitrary: long, weight: 1 },
      { arbitrary: unsafe, weight: 1 },
    )
  const usual = tuple(id(organizationIDs), id(userIDs)).map(
    ([organization, user]) => `/api/v1/organizations/${organization}/users/${user}`,
  )
  const segment = oneof(
    constantFrom('api', 'v1', 'organizations', 'users', 'API', 'Users', '', '.', '..', '%2e'),
    soup,
  )
  const mixed = array(segment, { maxLength: 9 }).map((segments) => `/${segments.join('/')}`)
  const end = oneof(
    { arbitrary: constant(''), weight: 6 },
    { arbitrary: constantFrom('/', '//', '/..', '/.', '?', '#'), weight: 1 },
    {
      arbitrary: tuple(constantFrom('?', '#', '/'), soup).map((parts) => parts.join('')),
      weight: 1,
    },
  )
  return tuple(oneof({ arbitrary: usual, weight: 8 }, { arbitrary: mixed, weight: 2 }), end).map(
    (parts) => parts.join(''),
  )
}

/** Values for headers that the Worker reads, and for some that it must not read. */
const headers: Arbitrary<Readonly<Record<string, string>>> = record(
  {
    'Idempotency-Key': oneof(constantFrom('one', 'two'), latin),
    'X-Request-Id': oneof(stringMatching(/^[\w.-]{1,128}$/), latin),
    Traceparent: oneof(
      stringMatching(/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/),
      latin,
    ),
    Origin: oneof(constantFrom('https://app.example', 'https://evil.example', 'null'), latin),
    'Access-Control-Request-Method': constantFrom('DELETE', 'GET'),
    'X-HTTP-Method-Override': constantFrom('DELETE', 'GET'),
    'X-Original-URL': visible,
    'X-Forwarded-For': visible,
    Cookie: latin,
    Accept: constantFrom('*/*', 'text/html', 'application/json;q=0'),
    'Accept-Encoding': constantFrom('gzip', 'br', 'identity', '*;q=0'),
    'Content-Type': constantFrom('application/json', 'text/plain', 'multipart/form-data'),
    Range: constantFrom('bytes=0-0', 'bytes=-1'),
    'If-None-Match': constantFrom('*', '"x"'),
  },
  { requiredKeys: [] },
)

const authorizations = (known: Known): Arbitrary<Authorization> =>
  oneof(
    {
      arbitrary: record({
        before: oneof(
          { arbitrary: constantFrom('Bearer ', 'bearer ', 'BEARER    '), weight: 12 },
          {
            arbitrary: constantFrom('Bearer', 'Basic ', 'DPoP ', 'Bearer\t', 'Bearer Bearer ', ''),
            weight: 1,
          },
          { arbitrary: latin, weight: 1 },
        ),
        shape: tokenShapes(known.subjects),
        after: oneof(
          { arbitrary: constant(''), weight: 12 },
          { arbitrary: constantFrom(' ', ', Bearer x', '=', '.', ' x'), weight: 1 },
        ),
      }),
      weight: 10,
    },
    { arbitrary: latin, weight: 1 },
    { arbitrary: constant(null), weight: 1 },
  )

/** Every kind of request. */
export function hostileRequests(known: Known): Arbitrary<HostileRequest> {
  return record({
    method: oneof(
      { arbitrary: constant('DELETE'), weight: 7 },
      { arbitrary: constantFrom(...METHODS), weight: 3 },
    ),
    path: paths(known),
    host: oneof(
      { arbitrary: constant('identity.example'), weight: 12 },
      {
        arbitrary: constantFrom('[', 'a b', 'a:99999', 'a/b', 'a@b', '%00', '[::1]', '-'),
        weight: 1,
      },
    ),
    headers,
    authorization: authorizations(known),
    body: option(
      jsonValue().map((value) => JSON.stringify(value)),
      { nil: null, freq: 6 },
    ),
    worker: constantFrom('plain' as const, 'strict' as const),
  })
}
