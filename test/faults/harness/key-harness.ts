/**
 * The harness for tests of keys: an issuer with a response for each JWKS URL, and calls that get 404 if the token is valid.
 * An isolate has no keys for a new URL, so each new name is a cold start.
 */
import type { JwksResponder } from '../../support/jwks-responders'
import { createKey, type SigningKey } from '../../../dev/test-keys.ts'
import { serveIssuer, type ServedIssuer } from '../../support/node/jwks-server'
import { createFixture } from '../../support/fixture'
import type { Plan } from './plan'
import { startHarness, type Observation, type Harness } from './start'

export const SECOND_MS = 1_000
export const MINUTE_MS = 60 * SECOND_MS
export const HOUR_MS = 60 * MINUTE_MS

/** One call. */
export interface Ask {
  /** By default a valid one, signed with the issuer's key. */
  readonly token?: string
  /** Stops the clock at this time after the start of the harness, in milliseconds; by default it runs. */
  readonly aheadMs?: number
  readonly plan?: Plan
  readonly worker?: string
}

/** The harness with its issuer. */
export interface KeyHarness extends Harness {
  readonly issuer: ServedIssuer
  /** How the issuer answers, by the name of the URL. */
  readonly responses: Map<string, JwksResponder>
  /** How often a URL was fetched. */
  readonly fetches: (name: string) => number
  /** A token for an administrator that lasts for a month; by default signed with the issuer's key. */
  readonly tokenOf: (key?: SigningKey) => Promise<string>
  /** A token of a key that is not published. */
  readonly unknownToken: () => Promise<string>
  /** Calls an isolate with the JWKS URL of this name: a valid token gets 404. */
  readonly ask: (name: string, asked?: Ask) => Promise<Observation>
  /** Calls as `ask` does. @returns a function that breaks the caller's connection */
  readonly askAndLeave: (name: string, asked?: Ask) => Promise<() => void>
}

/** Starts the harness; each Worker is an isolate. By default only ES256 is allowed. */
export async function startKeyHarness(
  names: readonly string[] = ['harness'],
  algorithms = 'ES256',
): Promise<KeyHarness> {
  const issuer = await serveIssuer()
  const harness = await startHarness({ ...issuer.vars, TOKEN_ALGORITHMS: algorithms }, names)
  const responses = new Map<string, JwksResponder>()
  issuer.endpoint.respond = (request) => {
    const response = responses.get(new URL(request.url).search.slice(1))
    if (response === undefined) throw new Error(`no response is set for ${request.url}`)
    return response(request)
  }
  const fixture = await createFixture(harness.db)
  const { subject } = fixture.administrator.person
  const claims = { exp: Math.floor(Date.now() / SECOND_MS) + 30 * 24 * 3_600 }
  const tokenOf = (key = issuer.keys[0]): Promise<string> => issuer.token(subject, { claims, key })
  const known = await tokenOf()
  const startedAt = Date.now()

  const sentOf = ({ token = known }: Ask) => ({
    organizationID: fixture.organizationID,
    userID: 'absent',
    token,
  })
  function planOf(name: string, { aheadMs, plan = {} }: Ask): Plan {
    const clock = aheadMs === undefined ? {} : { now: startedAt + aheadMs }
    return { ...plan, ...clock, vars: { JWKS_URL: `${issuer.vars.JWKS_URL}?${name}` } }
  }

  return {
    ...harness,
    issuer,
    responses,
    tokenOf,
    unknownToken: async () => tokenOf(await createKey('ES256')),
    fetches: (name) =>
      issuer.endpoint.requests.filter(({ url }) => new URL(url).search === `?${name}`).length,
    ask: (name, asked = {}) => harness.call(sentOf(asked), planOf(name, asked), asked.worker),
    askAndLeave: (name, asked = {}) =>
      harness.callAndLeave(sentOf(asked), planOf(name, asked), asked.worker),
    async stop() {
      await harness.stop()
      await issuer.stop()
    },
  }
}
