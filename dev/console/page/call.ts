/**
 * The call to the Worker, made from this page's origin as the browser lets any page make it.
 */

/** Which token a call carries: none, a person's by subject, or a special one. */
export type Credential =
  | { readonly kind: 'none' | 'expired' | 'service-account' }
  | { readonly kind: 'person' | 'altered' | 'copied'; readonly subject: string }

/** A call as the form has it. An empty path means that no user is chosen. */
export interface Draft {
  readonly credential: Credential
  readonly method: string
  readonly path: string
  readonly idempotencyKey: string
}

/** A request that was sent. */
export interface SentRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** A response, as much of it as the browser lets this page read. */
export interface ReadResponse {
  readonly ok: boolean
  /** Such as "403 Forbidden". */
  readonly status: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: string
}

export const METHODS = ['DELETE', 'GET', 'POST', 'PUT', 'OPTIONS'] as const

/** Whether a call carries the token of this subject: who removes itself leaves. */
export function isCaller({ credential }: Draft, subject: string): boolean {
  return credential.kind === 'person' && credential.subject === subject
}

/** The path of the Worker's one call. */
export function userPath(organizationID: string, userID: string): string {
  const [organization, user] = [organizationID, userID].map(encodeURIComponent)
  return `/api/v1/organizations/${organization}/users/${user}`
}

/** The request that a draft makes, with the headers of its credential. */
export function toRequest(
  draft: Draft,
  worker: string,
  credentials: Readonly<Record<string, string>>,
): SentRequest {
  const { method, path, idempotencyKey } = draft
  const more = idempotencyKey === '' ? {} : { 'Idempotency-Key': idempotencyKey }
  return { method, url: worker + path, headers: { ...credentials, ...more } }
}

/**
 * Sends a request to the Worker, without cookies: the token is the only credential.
 * @throws Error that says why there is no response to read
 */
export async function send({ method, url, headers }: SentRequest): Promise<ReadResponse> {
  try {
    const response = await fetch(url, { method, headers, credentials: 'omit', cache: 'no-store' })
    return {
      ok: response.ok,
      status: `${response.status} ${response.statusText}`,
      headers: [...response.headers],
      body: await response.text(),
    }
  } catch (cause) {
    throw new Error(await explainNoResponse(new URL(url).origin), { cause })
  }
}

/** The browser reports an unreachable server and a refusal of CORS alike. A request without CORS tells them apart. */
async function explainNoResponse(worker: string): Promise<string> {
  try {
    await fetch(worker, { mode: 'no-cors', credentials: 'omit', cache: 'no-store' })
  } catch {
    return `the Worker at ${worker} does not respond. Start the local stack again with "npm start".`
  }
  return (
    `the browser did not allow the call. The Worker's CORS_ORIGINS must name ${location.origin}, ` +
    'and the path must exist, because the browser asks with OPTIONS first.'
  )
}

/** A token with one character of its signature changed. */
export function alter(token: string): string {
  const at = token.length - 10
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
}
