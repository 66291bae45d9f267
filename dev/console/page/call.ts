/**
 * The call to the Worker, from this page's origin and under the rules of the browser for cross-origin requests.
 */

/** The token that a call carries: none, a person's by subject, or a special one. */
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

/** A request with its response, as far as the browser lets this page read it. */
export interface Exchange {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly ok: boolean
  /** Such as "403 Forbidden". */
  readonly status: string
  readonly responseHeaders: readonly (readonly [name: string, value: string])[]
  readonly body: string
  readonly durationMs: number
}

export const METHODS = ['DELETE', 'GET', 'POST', 'PUT', 'OPTIONS'] as const

/** Whether a call carries the token of this subject. A caller who removes itself leaves. */
export function isCaller({ credential }: Draft, subject: string): boolean {
  return credential.kind === 'person' && credential.subject === subject
}

export function userPath(organizationID: string, userID: string): string {
  const [organization, user] = [organizationID, userID].map(encodeURIComponent)
  return `/api/v1/organizations/${organization}/users/${user}`
}

/**
 * Sends a request to the Worker, without cookies: the token is the only credential.
 * @throws Error that says why there is no response to read
 */
export async function send(
  worker: string,
  { method, path, idempotencyKey }: Draft,
  credentials: Readonly<Record<string, string>>,
): Promise<Exchange> {
  const key = idempotencyKey === '' ? {} : { 'Idempotency-Key': idempotencyKey }
  const headers = { ...credentials, ...key }
  const began = performance.now()
  try {
    const response = await fetch(worker + path, { method, headers, ...WITHOUT_STATE })
    const body = await response.text()
    return {
      method,
      path,
      headers,
      ok: response.ok,
      status: `${response.status} ${response.statusText}`,
      responseHeaders: [...response.headers],
      body,
      durationMs: performance.now() - began,
    }
  } catch (cause) {
    throw new Error(await explainNoResponse(worker), { cause })
  }
}

const WITHOUT_STATE = { credentials: 'omit', cache: 'no-store' } as const

/** Tells an unreachable server from a call that CORS does not permit, by a request without CORS. */
async function explainNoResponse(worker: string): Promise<string> {
  try {
    await fetch(worker, { mode: 'no-cors', ...WITHOUT_STATE })
  } catch {
    return `the Worker at ${worker} does not respond. Start the local stack again with "npm start".`
  }
  return (
    `the browser did not allow the call. The Worker's CORS_ORIGINS must name ${location.origin}, ` +
    'and the path must exist, because the browser asks with OPTIONS first.'
  )
}

export function alter(token: string): string {
  const at = token.length - 10
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
}
