/** The requests of the measured path: who calls, with which token, to remove whom. */
import type { RequestSpec } from '../rig/client.ts'
import { breakSignature, type Issuer } from '../rig/issuer.ts'
import {
  ADMINISTRATOR,
  AUDITOR,
  type Invite,
  ORGANIZATION_ID,
  STAFF_GROUP_ID,
  STAYING_USER_ID,
} from '../rig/world.ts'

/** The tokens of a run, issued once: a caller has one for an hour and sends it with every request. */
export interface Tokens {
  readonly administrator: string
  readonly auditor: string
  readonly badSignature: string
  readonly expired: string
}

export async function issueTokens(issuer: Issuer): Promise<Tokens> {
  const administrator = await issuer.issueToken(ADMINISTRATOR)
  const auditor = await issuer.issueToken(AUDITOR)
  return {
    administrator,
    auditor,
    badSignature: breakSignature(administrator, auditor),
    expired: await issuer.issueToken(ADMINISTRATOR, 'expired'),
  }
}

export function deletionOf(userID: string, token: string): RequestSpec {
  return {
    method: 'DELETE',
    path: `/api/v1/organizations/${ORGANIZATION_ID}/users/${userID}`,
    headers: { Authorization: `Bearer ${token}` },
  }
}

/** Requests that each remove a user, invited just before into these groups. */
export function removals(
  invite: Invite,
  token: string,
  groups: readonly string[] = [STAFF_GROUP_ID],
): (count: number) => Promise<RequestSpec[]> {
  return async (count) => (await invite(count, groups)).map((userID) => deletionOf(userID, token))
}

/** Requests that remove nobody, since the user stays: for refusals. */
export function attempts(
  token: string,
  userID = STAYING_USER_ID,
): (count: number) => RequestSpec[] {
  return (count) => Array.from({ length: count }, () => deletionOf(userID, token))
}

/** Requests for users who are not there. */
export function misses(token: string): (count: number) => RequestSpec[] {
  return (count) => Array.from({ length: count }, () => deletionOf(crypto.randomUUID(), token))
}
