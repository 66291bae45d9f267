/** The requests of a kind: the caller, its token, and the user to delete. */
import type { Issuer, TokenChanges } from '../../dev/test-issuer.ts'
import { createKey } from '../../dev/test-keys.ts'
import type { RequestSpec } from '../support/client.ts'
import {
  ADMINISTRATOR,
  AUDITOR,
  type Invite,
  ORGANIZATION_ID,
  STAYING_USER_ID,
} from '../support/seed.ts'

/** Makes requests that are each sent once. Those of a warm-up may be cheaper to prepare. */
export type MakeRequests = (count: number, isWarmUp?: boolean) => Promise<RequestSpec[]>

export interface Requests {
  /** The status that each request gets. */
  readonly status: number
  readonly prepare: (issuer: Issuer, invite: Invite) => Promise<MakeRequests>
}

/** What differs from the usual requests. */
export interface RequestOptions {
  /** The token, which all requests share. */
  readonly token?: TokenChanges
  /** Makes further headers for each request. */
  readonly makeHeaders?: (spec: RequestSpec) => object | Promise<object>
}

type MakeUserIDs = (invite: Invite, count: number, isWarmUp: boolean) => Promise<string[]>

const repeat = async (count: number, makeID: () => string) => Array.from({ length: count }, makeID)

function requestsOf(
  status: number,
  makeToken: (issuer: Issuer) => Promise<string>,
  makeHeaders: RequestOptions['makeHeaders'] = () => ({}),
  makeUserIDs: MakeUserIDs = (_, count) => repeat(count, () => STAYING_USER_ID),
): Requests {
  return {
    status,
    async prepare(issuer, invite) {
      const headers = { Authorization: `Bearer ${await makeToken(issuer)}` }
      const makeRequest = async (userID: string): Promise<RequestSpec> => {
        const path = `/api/v1/organizations/${ORGANIZATION_ID}/users/${userID}`
        const spec = { method: 'DELETE', path, headers } as const
        return { ...spec, headers: { ...headers, ...(await makeHeaders(spec)) } }
      }
      return async (count, isWarmUp = false) =>
        Promise.all((await makeUserIDs(invite, count, isWarmUp)).map(makeRequest))
    },
  }
}

/**
 * Deletions of users who were invited just before.
 *
 * @param groups number of groups of each user; 1 in a warm-up, since the code that runs is the same
 */
export const deletion = (groups = 1, { token, makeHeaders }: RequestOptions = {}): Requests =>
  requestsOf(
    200,
    (issuer) => issuer.token(ADMINISTRATOR, token),
    makeHeaders,
    (invite, count, isWarmUp) => invite(count, isWarmUp ? 1 : groups),
  )

/** For a Worker that reads no request. */
export const anyCall = requestsOf(200, (issuer) => issuer.token(ADMINISTRATOR))

/** The token has the signature of another key with the same ID. */
export const refusedToken = requestsOf(401, async (issuer) =>
  issuer.token(ADMINISTRATOR, { key: await createKey('ES256', issuer.keys[0].kid) }),
)

/** The options make the token or the headers invalid. */
export const refusedCall = ({ token, makeHeaders }: RequestOptions): Requests =>
  requestsOf(401, (issuer) => issuer.token(ADMINISTRATOR, token), makeHeaders)

export const unknownCaller = requestsOf(401, (issuer) => issuer.token('subject-unknown'))

export const notPermitted = requestsOf(403, (issuer) => issuer.token(AUDITOR))

export const noSuchUser = requestsOf(
  404,
  (issuer) => issuer.token(ADMINISTRATOR),
  undefined,
  (_, count) => repeat(count, () => crypto.randomUUID()),
)
