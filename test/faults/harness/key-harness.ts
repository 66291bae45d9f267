/**
 * The harness with an issuer that has a response for each JWKS URL. A valid token gets 404, because the calls name an
 * absent user. An isolate has no keys for a new URL, so each new name is a cold start.
 */
import { createKey } from '../../../dev/test-keys.ts'
import { createFixture } from '../../support/fixture'
import type { JwksResponder } from '../../support/jwks-responders'
import { startHarness } from './start'
import type { Plan } from './worker'

export const SECOND_MS = 1_000
export const MINUTE_MS = 60 * SECOND_MS

/** One call. */
export interface Ask {
  /** By default a valid one, signed with the issuer's key. */
  readonly token?: string
  /** Stops the clock at this time after the start of the harness, in milliseconds. */
  readonly aheadMs?: number
  readonly plan?: Plan
  readonly worker?: string
}

/** Starts the harness; each Worker is an isolate. By default only ES256 is allowed. */
export async function startKeyHarness(
  names: readonly string[] = ['harness'],
  TOKEN_ALGORITHMS = 'ES256',
) {
  const identity = names.map((name) => ({ name, vars: { TOKEN_ALGORITHMS } }))
  const harness = await startHarness({ identity })
  const { issuer } = harness
  const responses = new Map<string, JwksResponder>()
  issuer.endpoint.respond = (request) => {
    const response = responses.get(new URL(request.url).search.slice(1))
    if (response === undefined) throw new Error(`no response is set for ${request.url}`)
    return response(request)
  }
  const { organizationID, administrator } = await createFixture(harness.db)
  const claims = { exp: Math.floor(Date.now() / SECOND_MS) + 30 * 24 * 3_600 }
  const tokenOf = (key = issuer.keys[0]): Promise<string> =>
    issuer.token(administrator.person.subject, { claims, key })
  const known = await tokenOf()
  const startedAt = Date.now()

  function prepare(name: string, { token = known, aheadMs, plan = {}, worker }: Ask) {
    const clock = aheadMs === undefined ? {} : { now: startedAt + aheadMs }
    const vars = { JWKS_URL: `${issuer.vars.JWKS_URL}?${name}` }
    const sent = { organizationID, userID: 'absent', token }
    return [sent, { ...plan, ...clock, vars }, worker] as const
  }

  return {
    ...harness,
    /** The issuer's responses, by the name of the URL. */
    responses,
    /** A token for an administrator that lasts for a month; by default signed with the issuer's key. */
    tokenOf,
    /** A token of a key that is not published. */
    unknownToken: async () => tokenOf(await createKey('ES256')),
    /** How often a URL was fetched. */
    fetches: (name: string) =>
      issuer.endpoint.requests.filter(({ url }) => new URL(url).search === `?${name}`).length,
    /** Calls an isolate with the JWKS URL of this name. */
    ask: (name: string, asked: Ask = {}) => harness.call(...prepare(name, asked)),
    /** Calls as `ask` does. @returns a function that breaks the caller's connection */
    askAndLeave: (name: string, asked: Ask = {}) => harness.callAndLeave(...prepare(name, asked)),
  }
}
