/** The requests of a kind: who calls, with which token, to delete whom. */
import type { JWTPayload } from 'jose'
import { startSession } from '../support/better-auth.ts'
import type { RequestSpec } from '../support/client.ts'
import type { Issuer } from '../support/issuer.ts'
import {
  ADMINISTRATOR,
  AUDITOR,
  type Invite,
  ORGANIZATION_ID,
  STAYING_USER_ID,
} from '../support/seed.ts'

/** What requests are made from: the issuer, the databases, and the first isolate of the kind. */
export interface Fixture {
  readonly issuer: Issuer
  readonly databaseOf: (name: string) => Promise<D1Database>
  readonly inviteTo: (database: string) => Invite
}

/** Makes requests that are each sent once. For a warm-up they may be cheaper to prepare. */
export type MakeRequests = (
  count: number,
  isWarmUp?: boolean,
) => RequestSpec[] | Promise<RequestSpec[]>

export interface Requests {
  /** The status that each request gets. */
  readonly status: number
  readonly prepare: (
    fixture: Fixture,
    place: { readonly database: string; readonly origin: string },
  ) => Promise<MakeRequests>
}

function deletionOf(userID: string, token: string): RequestSpec {
  return {
    method: 'DELETE',
    path: `/api/v1/organizations/${ORGANIZATION_ID}/users/${userID}`,
    headers: { Authorization: `Bearer ${token}` },
  }
}

/** Deletions of users who were invited just before. */
export function deletion({
  subject = ADMINISTRATOR,
  claims,
  groups = 1,
}: {
  /** The caller. */
  readonly subject?: string
  /** Claims of the token that replace the usual ones. */
  readonly claims?: JWTPayload
  /** Number of groups of each user; 1 in a warm-up, since the code that runs is the same. */
  readonly groups?: number
} = {}): Requests {
  return {
    status: 200,
    async prepare({ issuer, inviteTo }, { database }) {
      const token = await issuer.issueToken(subject, claims)
      const invite = inviteTo(database)
      return async (count, isWarmUp) =>
        (await invite(count, isWarmUp === true ? 1 : groups)).map((id) => deletionOf(id, token))
    },
  }
}

/** The same requests with further headers, made for each request. */
export function withHeaders(
  { status, prepare }: Requests,
  makeHeaders: (spec: RequestSpec) => Record<string, string> | Promise<Record<string, string>>,
): Requests {
  return {
    status,
    async prepare(fixture, place) {
      const make = await prepare(fixture, place)
      return async (count, isWarmUp) => {
        const specs: RequestSpec[] = []
        for (const spec of await make(count, isWarmUp)) {
          specs.push({ ...spec, headers: { ...spec.headers, ...(await makeHeaders(spec)) } })
        }
        return specs
      }
    },
  }
}

/** Calls that delete no user, with a token that is issued once. */
export function calls(
  status: number,
  makeToken: (issuer: Issuer) => Promise<string>,
  makeUserID: () => string = () => STAYING_USER_ID,
): Requests {
  return {
    status,
    async prepare({ issuer }) {
      const token = await makeToken(issuer)
      return (count) => Array.from({ length: count }, () => deletionOf(makeUserID(), token))
    },
  }
}

/** For a Worker that reads no request. */
export const anyCall = calls(200, (issuer) => issuer.issueToken(ADMINISTRATOR))

/** A well-formed token with the signature of another. */
export const refusedToken = calls(401, async (issuer) => {
  const [token, other] = [await issuer.issueToken(ADMINISTRATOR), await issuer.issueToken(AUDITOR)]
  return [...token.split('.').slice(0, 2), other.split('.')[2]].join('.')
})

export const expiredToken = calls(401, (issuer) =>
  issuer.issueToken(ADMINISTRATOR, { exp: Math.floor(Date.now() / 1000) - 3600 }),
)

export const unknownCaller = calls(401, (issuer) => issuer.issueToken('subject-unknown'))

export const notPermitted = calls(403, (issuer) => issuer.issueToken(AUDITOR))

export const noSuchUser = calls(
  404,
  (issuer) => issuer.issueToken(ADMINISTRATOR),
  () => crypto.randomUUID(),
)

/** better-auth's removal of a member. */
export const memberRemoval: Requests = {
  status: 200,
  async prepare({ databaseOf }, { database, origin }) {
    return startSession(origin, await databaseOf(database))
  },
}
