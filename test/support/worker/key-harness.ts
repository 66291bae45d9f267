/**
 * A harness for tests of the key set: whether the Worker could verify a token, and how often it fetched the JWKS.
 */
import type { TokenChanges } from '../../../dev/test-issuer.ts'
import { createKey } from '../../../dev/test-keys.ts'
import { withBody } from '../jwks-responders'
import type { Vars } from './caller'
import { createHarness } from './harness'

/** The status for a valid token: the calls are for a user that does not exist. */
export const ACCEPTED = 404

export type KeyHarness = Awaited<ReturnType<typeof createKeyHarness>>

/** Creates a harness whose isolate has no keys yet. */
export async function createKeyHarness(vars: Vars = {}) {
  const { issuer, fixture, call } = await createHarness({ vars })
  const { endpoint } = issuer
  const { organizationID, administrator } = fixture

  /** Calls with a token that never expires, with changes. */
  async function present(changes: TokenChanges = {}, how: { inBackground?: boolean } = {}) {
    const claims = { exp: 99_999_999_999, ...changes.claims }
    const token = await issuer.token(administrator.person.subject, { ...changes, claims })
    return call({ organizationID, userID: 'absent', token, ...how })
  }
  /** Publishes exactly these keys from now on. */
  function publish(...keys: readonly object[]): void {
    endpoint.respond = withBody(JSON.stringify({ keys }))
  }
  return {
    issuer,
    endpoint,
    call,
    present,
    publish,
    fetches: () => endpoint.requests.length,
    /** Creates a key of the issuer that is not published, by default with a new ID. */
    createKey: (kid?: string) => createKey('ES256', kid),
  }
}
