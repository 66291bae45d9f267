/**
 * The table of answers: every kind of request that the Worker tells apart, and the answer that each one gets.
 */
import { pathOf } from '../support/node/client'
import type { Issuer, TokenChanges } from '../support/issuer'
import type { World } from '../support/world'

/** How the Worker that is asked is deployed. */
export type Deployment = 'usual' | 'strict' | 'unconfigured' | 'without-issuer'

/** What a row knows of the situation. */
export interface Situation {
  readonly world: World
  readonly issuer: Issuer
}

/** A request, as `fetch` takes it. */
export interface TableRequest {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
}

/** One row of the table. */
export interface Row {
  readonly title: string
  readonly deployment?: Deployment
  readonly request: (situation: Situation) => TableRequest | Promise<TableRequest>
  readonly status: number
  /** The `error` of the body; undefined where there is none. */
  readonly error?: string
  /** What is wrong with the request itself, in Prism's words; a good client would not send it. */
  readonly complaint?: string
}

type Subject = (world: World) => string

const PAGE = 'https://console.example'
/** The scope that the strict deployment asks for. */
export const SCOPE = 'users:delete'
const NO_TOKEN = 'Invalid security scheme used'
const NO_SUCH_PATH = 'Selected route not found'

const target = ({ world }: Situation) => pathOf(world.organizationID, world.target.userID)
const nobody = ({ world }: Situation) => pathOf(world.organizationID, 'nobody')

/** A deletion, by default of the target by an administrator. */
function deletion({
  as = (world: World) => world.administrator.person.subject,
  path = target,
  token = {},
  headers = {},
}: {
  as?: Subject
  path?: (situation: Situation) => string
  token?: TokenChanges
  headers?: Readonly<Record<string, string>>
} = {}): Row['request'] {
  return async (situation) => ({
    path: path(situation),
    headers: {
      Authorization: `Bearer ${await situation.issuer.token(as(situation.world), token)}`,
      ...headers,
    },
  })
}

const plain =
  (
    method: string,
    path: Row['request'] extends (s: infer S) => unknown ? (s: S) => string : never,
  ) =>
  (situation: Situation): TableRequest => ({ method, path: path(situation) })

const anHourAgo = () => Math.floor(Date.now() / 1_000) - 3_600

const removed = (title: string, request: Row['request']): Row => ({ title, request, status: 200 })
const unauthorized = (title: string, request: Row['request'], complaint?: string): Row => ({
  title,
  request,
  status: 401,
  error: 'access_denied',
  ...(complaint === undefined ? {} : { complaint }),
})
const forbidden = (title: string, request: Row['request']): Row => ({
  title,
  request,
  status: 403,
  error: 'forbidden',
})
const notFound = (title: string, request: Row['request'], complaint?: string): Row => ({
  title,
  request,
  status: 404,
  error: 'not_found',
  ...(complaint === undefined ? {} : { complaint }),
})
const failed = (title: string, deployment: Deployment): Row => ({
  title,
  deployment,
  request: deletion({ path: nobody }),
  status: 500,
  error: 'server_error',
})

/** All rows. */
export const rows: readonly Row[] = [
  removed('an administrator removes a user', deletion()),
  removed('a service account removes a user', deletion({ as: (world) => world.serviceAccount })),
  removed(
    'a platform administrator removes a user, from a page',
    deletion({
      as: (world) => world.platformAdministrator.subject,
      headers: { Origin: PAGE, 'Idempotency-Key': 'key-1', 'X-Request-Id': 'request-1' },
    }),
  ),
  unauthorized('no token', plain('DELETE', target), NO_TOKEN),
  unauthorized(
    'another scheme',
    (situation) => ({ path: target(situation), headers: { Authorization: 'Basic YTpi' } }),
    NO_TOKEN,
  ),
  unauthorized('an expired token', deletion({ token: { claims: { exp: anHourAgo() } } })),
  unauthorized('a token for somebody else', deletion({ token: { claims: { aud: 'other' } } })),
  unauthorized('a token of nobody', deletion({ as: () => 'nobody-at-all' })),
  forbidden('an auditor', deletion({ as: (world) => world.auditor.person.subject })),
  forbidden(
    'an administrator of another organization, from a page',
    deletion({
      as: (world) => world.otherAdministrator.person.subject,
      headers: { Origin: PAGE },
    }),
  ),
  {
    ...forbidden('a token without the scope that is asked for', deletion()),
    deployment: 'strict',
  },
  {
    ...forbidden(
      'the last administrator, where one has to stay',
      deletion({
        path: ({ world }) => pathOf(world.organizationID, world.administrator.userID),
        token: { claims: { scope: SCOPE } },
      }),
    ),
    deployment: 'strict',
  },
  notFound('no such user', deletion({ path: nobody })),
  notFound(
    'a user of another organization, from a page of an origin that is not let in',
    deletion({
      path: ({ world }) => pathOf(world.organizationID, world.targetElsewhere.userID),
      headers: { Origin: 'https://elsewhere.example' },
    }),
  ),
  notFound(
    'another path',
    plain('GET', () => '/nowhere'),
    NO_SUCH_PATH,
  ),
  ...['GET', 'POST', 'PUT', 'PATCH'].map((method) => ({
    title: `${method} on the path`,
    request: plain(method, target),
    status: 405,
    error: 'method_not_allowed',
  })),
  { title: 'OPTIONS on the path', request: plain('OPTIONS', target), status: 204 },
  {
    title: 'a preflight of a page',
    request: (situation) => ({
      method: 'OPTIONS',
      path: target(situation),
      headers: {
        Origin: PAGE,
        'Access-Control-Request-Method': 'DELETE',
        'Access-Control-Request-Headers': 'authorization',
      },
    }),
    status: 204,
  },
  failed('an issuer that is down', 'without-issuer'),
  failed('a deployment without its configuration', 'unconfigured'),
]

/** The variables of each deployment, besides those that name its issuer. */
export const deployments: Readonly<Record<Deployment, Readonly<Record<string, string>>>> = {
  usual: { CORS_ORIGINS: PAGE },
  strict: { REQUIRED_SCOPE: SCOPE, KEEP_LAST_ADMINISTRATOR: 'true' },
  unconfigured: { TOKEN_ISSUER: '' },
  'without-issuer': { JWKS_URL: 'http://127.0.0.1:9/jwks' },
}
