/**
 * The rig for tests of keys: an issuer with a response for each JWKS URL, and calls that get 404 if the token is valid.
 * An isolate has no keys for a new URL, so each new name is a cold start.
 */
import type { JwksAnswer } from '../../support/jwks-answers'
import { createKey, type SigningKey } from '../../support/keys'
import { serveIssuer, type ServedIssuer } from '../../support/node/jwks-server'
import { createWorld } from '../../support/world'
import type { Plan } from './plan'
import { startRig, type Observation, type Rig } from './start'

export const SECOND_MS = 1_000
export const MINUTE_MS = 60 * SECOND_MS
export const HOUR_MS = 60 * MINUTE_MS

/** One call. */
export interface Ask {
  /** By default a valid one, signed with the issuer's key. */
  readonly token?: string
  /** Stops the clock at this time after the start of the rig, in milliseconds; by default it runs. */
  readonly aheadMs?: number
  readonly plan?: Plan
  readonly worker?: string
}

/** The rig with its issuer. */
export interface KeyRig extends Rig {
  readonly issuer: ServedIssuer
  /** How the issuer answers, by the name of the URL. */
  readonly answers: Map<string, JwksAnswer>
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

/** Starts the rig; each Worker is an isolate. By default only ES256 is allowed. */
export async function startKeyRig(
  names: readonly string[] = ['rig'],
  algorithms = 'ES256',
): Promise<KeyRig> {
  const issuer = await serveIssuer()
  const rig = await startRig({ ...issuer.vars, TOKEN_ALGORITHMS: algorithms }, names)
  const answers = new Map<string, JwksAnswer>()
  issuer.endpoint.answer = (request) => {
    const answer = answers.get(new URL(request.url).search.slice(1))
    if (answer === undefined) throw new Error(`no response is set for ${request.url}`)
    return answer(request)
  }
  const world = await createWorld(rig.db)
  const { subject } = world.administrator.person
  const claims = { exp: Math.floor(Date.now() / SECOND_MS) + 30 * 24 * 3_600 }
  const tokenOf = (key = issuer.keys[0]): Promise<string> => issuer.token(subject, { claims, key })
  const known = await tokenOf()
  const startedAt = Date.now()

  const sentOf = ({ token = known }: Ask) => ({
    organizationID: world.organizationID,
    userID: 'absent',
    token,
  })
  function planOf(name: string, { aheadMs, plan = {} }: Ask): Plan {
    const clock = aheadMs === undefined ? {} : { now: startedAt + aheadMs }
    return { ...plan, ...clock, vars: { JWKS_URL: `${issuer.vars.JWKS_URL}?${name}` } }
  }

  return {
    ...rig,
    issuer,
    answers,
    tokenOf,
    unknownToken: async () => tokenOf(await createKey('ES256')),
    fetches: (name) =>
      issuer.endpoint.requests.filter(({ url }) => new URL(url).search === `?${name}`).length,
    ask: (name, asked = {}) => rig.call(sentOf(asked), planOf(name, asked), asked.worker),
    askAndLeave: (name, asked = {}) =>
      rig.callAndLeave(sentOf(asked), planOf(name, asked), asked.worker),
    async stop() {
      await rig.stop()
      await issuer.stop()
    },
  }
}
