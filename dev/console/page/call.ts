/**
 * The call that the page is for: a request to the Worker from this page's origin, as the browser lets any page make it.
 */

/** Whose token goes along: nobody's, a person's by subject, or a special one. */
export type Credential =
  | { readonly kind: 'none' | 'expired' | 'service-account' }
  | { readonly kind: 'person' | 'altered'; readonly subject: string }

/** A call as it is prepared in the form. */
export interface Draft {
  readonly credential: Credential
  readonly method: string
  readonly path: string
  readonly idempotencyKey: string
}

/** What was sent. */
export interface SentRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** What came back, as far as the browser lets this page see it. */
export interface Answer {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

export const METHODS = ['DELETE', 'GET', 'POST', 'PUT', 'OPTIONS'] as const

/** The path of the one call that the Worker offers. */
export function userPath(organizationID: string, userID: string): string {
  const [organization, user] = [organizationID, userID].map(encodeURIComponent)
  return `/api/v1/organizations/${organization}/users/${user}`
}

/** The IDs that a path of that form names. */
export function readUserPath(path: string): { organizationID: string; userID: string } | undefined {
  const match = /^\/api\/v1\/organizations\/([^/]+)\/users\/([^/]+)$/.exec(path)
  const [, organizationID, userID] = match ?? []
  if (organizationID === undefined || userID === undefined) return undefined
  try {
    return {
      organizationID: decodeURIComponent(organizationID),
      userID: decodeURIComponent(userID),
    }
  } catch {
    return undefined
  }
}

/** The request that a draft makes. */
export function toRequest(draft: Draft, worker: string, token: string | undefined): SentRequest {
  return {
    method: draft.method,
    url: worker + draft.path,
    headers: {
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      ...(draft.idempotencyKey === '' ? {} : { 'Idempotency-Key': draft.idempotencyKey }),
    },
  }
}

/**
 * Sends a request to the Worker. Never with cookies: the token is all there is.
 * @throws TypeError where the browser shows this page no answer
 */
export async function send({ method, url, headers }: SentRequest): Promise<Answer> {
  const response = await fetch(url, { method, headers, credentials: 'omit', cache: 'no-store' })
  return {
    status: response.status,
    headers: [...response.headers],
    body: await response.text(),
  }
}

/** A token with one character of its signature changed. */
export function alter(token: string): string {
  const at = token.length - 10
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
}
