/**
 * A stage for the keys: what counts is whether a token could be judged, and how often the issuer was asked.
 */
import { createKey, type SigningKey } from '../keys'
import type { TokenChanges } from '../issuer'
import { withBody, type JwksEndpoint } from '../jwks-answers'
import type { Answer, Caller, Vars } from './caller'
import type { ServedIssuer } from './issuers'
import { setStage } from './stage'

/** A token that could be judged and was good: the call is for a user that nobody is. */
export const ACCEPTED = 404

/** What a test of the keys acts on. */
export interface KeyStage {
  readonly issuer: ServedIssuer
  readonly endpoint: JwksEndpoint
  readonly call: Caller
  /** How often the issuer was asked. */
  readonly fetches: () => number
  /** Presents a token that never expires, with changes, and says how it was answered. */
  readonly present: (changes?: TokenChanges, how?: { inBackground?: boolean }) => Promise<Answer>
  /** The issuer publishes these keys, as they are, from now on. */
  readonly publish: (...keys: readonly object[]) => void
  /** A new key of the issuer's, which it has not published yet, with an ID of its own if none is given. */
  readonly createKey: (kid?: string) => Promise<SigningKey>
}

/** Sets a stage whose isolate has no keys yet. */
export async function setKeyStage(vars: Vars = {}): Promise<KeyStage> {
  const { issuer, world, call } = await setStage({ vars })
  const { endpoint } = issuer
  const farAway = { exp: 99_999_999_999 }
  const subject = world.administrator.person.subject
  return {
    issuer,
    endpoint,
    call,
    fetches: () => endpoint.requests.length,
    async present(changes = {}, how = {}) {
      const claims = { ...farAway, ...changes.claims }
      const token = await issuer.token(subject, { ...changes, claims })
      return call({ organizationID: world.organizationID, userID: 'nobody', token, ...how })
    },
    publish(...keys) {
      endpoint.answer = withBody(JSON.stringify({ keys }))
    },
    createKey: (kid) => createKey('ES256', kid),
  }
}
