/**
 * Every kind of request that the Worker distinguishes, each with the response that it gets.
 */
import { pathOf } from '../support/node/client'
import type { Issuer, TokenChanges } from '../../dev/test-issuer.ts'
import type { Fixture } from '../support/fixture'

/** How the Worker that gets the request is deployed. */
export type Deployment = 'usual' | 'strict' | 'unconfigured' | 'without-issuer'

/** What a row's request is made from. */
export interface Situation {
  readonly fixture: Fixture
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
  readonly request: (situation: Situation) => TableRequest | Promise<TableRequest>
  readonly status: number
  /** The `error` of the body. Undefined if there is no body. */
  readonly error?: string
  readonly deployment?: Deployment
  /** What is wrong with the request itself, in Prism's words. */
  readonly complaint?: string
}

const PAGE = 'https://console.example'
const SCOPE = 'users:delete'
const NO_TOKEN = { complaint: 'Invalid security scheme used' }
const NOT_DESCRIBED = { complaint: 'Selected route not found' }

const ofTarget = ({ fixture }: Situation) => pathOf(fixture.organizationID, fixture.target.userID)
const ofNobody = ({ fixture }: Situation) => pathOf(fixture.organizationID, 'no-such-user')

interface DeletionOptions {
  readonly as?: (fixture: Fixture) => string
  readonly path?: (situation: Situation) => string
  readonly token?: TokenChanges
  readonly headers?: Readonly<Record<string, string>>
}

/** A deletion, by default of the target by an administrator. */
function deletion(options: DeletionOptions = {}): Row['request'] {
  const { as = administrator, path = ofTarget, token = {}, headers = {} } = options
  return async (situation) => ({
    path: path(situation),
    headers: {
      Authorization: `Bearer ${await situation.issuer.token(as(situation.fixture), token)}`,
      ...headers,
    },
  })
}

const administrator = (fixture: Fixture) => fixture.administrator.person.subject

function row(
  title: string,
  request: Row['request'],
  [status, error]: readonly [status: number, error?: string],
  more: Pick<Row, 'deployment' | 'complaint'> = {},
): Row {
  return { title, request, status, ...(error === undefined ? {} : { error }), ...more }
}

const OK = [200] as const
const NO_CONTENT = [204] as const
const UNAUTHORIZED = [401, 'access_denied'] as const
const FORBIDDEN = [403, 'forbidden'] as const
const NOT_FOUND = [404, 'not_found'] as const
const NOT_ALLOWED = [405, 'method_not_allowed'] as const
const FAILED = [500, 'server_error'] as const

const anHourAgo = () => Math.floor(Date.now() / 1_000) - 3_600

const preflight = {
  Origin: PAGE,
  'Access-Control-Request-Method': 'DELETE',
  'Access-Control-Request-Headers': 'authorization',
}

/** All rows. */
export const rows: readonly Row[] = [
  row('an administrator removes a user', deletion(), OK),
  row(
    'a service account removes a user',
    deletion({ as: (fixture) => fixture.serviceAccount }),
    OK,
  ),
  row(
    'a platform administrator removes a user, from a page',
    deletion({
      as: (fixture) => fixture.platformAdministrator.subject,
      headers: { Origin: PAGE, 'Idempotency-Key': 'key-1', 'X-Request-Id': 'request-1' },
    }),
    OK,
  ),
  row('no token', (situation) => ({ path: ofTarget(situation) }), UNAUTHORIZED, NO_TOKEN),
  row(
    'another scheme',
    (situation) => ({ path: ofTarget(situation), headers: { Authorization: 'Basic YTpi' } }),
    UNAUTHORIZED,
    NO_TOKEN,
  ),
  row('an expired token', deletion({ token: { claims: { exp: anHourAgo() } } }), UNAUTHORIZED),
  row('a token for another API', deletion({ token: { claims: { aud: 'other' } } }), UNAUTHORIZED),
  row('an unknown caller', deletion({ as: () => 'nobody-at-all' }), UNAUTHORIZED),
  row('an auditor', deletion({ as: (fixture) => fixture.auditor.person.subject }), FORBIDDEN),
  row(
    'an administrator of another organization, from a page',
    deletion({
      as: (fixture) => fixture.otherAdministrator.person.subject,
      headers: { Origin: PAGE },
    }),
    FORBIDDEN,
  ),
  row('a token without the required scope', deletion(), FORBIDDEN, { deployment: 'strict' }),
  row(
    'the last administrator',
    deletion({
      path: ({ fixture }) => pathOf(fixture.organizationID, fixture.administrator.userID),
      token: { claims: { scope: SCOPE } },
    }),
    FORBIDDEN,
    { deployment: 'strict' },
  ),
  row('no such user', deletion({ path: ofNobody }), NOT_FOUND),
  row(
    'a user of another organization, from a page of an origin that is not permitted',
    deletion({
      path: ({ fixture }) => pathOf(fixture.organizationID, fixture.targetElsewhere.userID),
      headers: { Origin: 'https://elsewhere.example' },
    }),
    NOT_FOUND,
  ),
  row('another path', () => ({ method: 'GET', path: '/nowhere' }), NOT_FOUND, NOT_DESCRIBED),
  row(
    'another method on the path',
    (situation) => ({ method: 'PUT', path: ofTarget(situation) }),
    NOT_ALLOWED,
    NOT_DESCRIBED,
  ),
  row(
    'OPTIONS on the path',
    (situation) => ({ method: 'OPTIONS', path: ofTarget(situation) }),
    NO_CONTENT,
  ),
  row(
    'a preflight of a page',
    (situation) => ({ method: 'OPTIONS', path: ofTarget(situation), headers: preflight }),
    NO_CONTENT,
  ),
  row('an issuer that is down', deletion({ path: ofNobody }), FAILED, {
    deployment: 'without-issuer',
  }),
  row('a deployment without its configuration', deletion({ path: ofNobody }), FAILED, {
    deployment: 'unconfigured',
  }),
]

/** The variables of each deployment, besides those that name its issuer. */
export const deployments: Readonly<Record<Deployment, Readonly<Record<string, string>>>> = {
  usual: { CORS_ORIGINS: PAGE },
  strict: { REQUIRED_SCOPE: SCOPE, KEEP_LAST_ADMINISTRATOR: 'true' },
  unconfigured: { TOKEN_ISSUER: '' },
  'without-issuer': { JWKS_URL: 'http://127.0.0.1:9/jwks' },
}
