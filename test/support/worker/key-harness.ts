/**
 * A harness for the keys: what counts is whether a token could be judged, and how often the issuer was asked.
 */
import { createKey, type SigningKey } from '../../../dev/test-keys.ts'
import type { TokenChanges } from '../../../dev/test-issuer.ts'
import { withBody, type JwksEndpoint } from '../jwks-responders'
import type { CallResponse, Caller, Vars } from './caller'
import type { ServedIssuer } from './issuers'
import { createHarness } from './harness'

/** A token that could be judged and was good: the call is for a user that nobody is. */
export const ACCEPTED = 404

/** What a test of the keys acts on. */
export interface KeyHarness {
  readonly issuer: ServedIssuer
  readonly endpoint: JwksEndpoint
  readonly call: Caller
  /** How often the issuer was asked. */
  readonly fetches: () => number
  /** Presents a token that never expires, with changes, and says how it was answered. */
  readonly present: (
    changes?: TokenChanges,
    how?: { inBackground?: boolean },
  ) => Promise<CallResponse>
  /** The issuer publishes these keys, as they are, from now on. */
  readonly publish: (...keys: readonly object[]) => void
  /** A new key of the issuer's, which it has not published yet, with an ID of its own if none is given. */
  readonly createKey: (kid?: string) => Promise<SigningKey>
}

/** Sets a harness whose isolate has no keys yet. */
export async function createKeyHarness(vars: Vars = {}): Promise<KeyHarness> {
  const { issuer, fixture, call } = await createHarness({ vars })
  const { endpoint } = issuer
  const farAway = { exp: 99_999_999_999 }
  const subject = fixture.administrator.person.subject
  return {
    issuer,
    endpoint,
    call,
    fetches: () => endpoint.requests.length,
    async present(changes = {}, how = {}) {
      const claims = { ...farAway, ...changes.claims }
      const token = await issuer.token(subject, { ...changes, claims })
      return call({ organizationID: fixture.organizationID, userID: 'no-such-user', token, ...how })
    },
    publish(...keys) {
      endpoint.respond = withBody(JSON.stringify({ keys }))
    },
    createKey: (kid) => createKey('ES256', kid),
  }
}
