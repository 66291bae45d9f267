/**
 * Calls the Worker over each transport. An HTTP response becomes an outcome of `deleteUser`.
 */
import type { DeleteUserOutcome, DeleteUserRequest } from '../../src/identity'
import { call, pathOf, type CallResponse } from '../support/node/client'

/** A way to the Worker under test, from the test. */
export type Transport = (request: DeleteUserRequest) => Promise<DeleteUserOutcome>

/** HTTP to an address, with more headers. `onAnswer` gets each response. */
export function httpTo(
  url: URL,
  more: Record<string, string> = {},
  onAnswer: (response: CallResponse) => void = () => {},
): Transport {
  return async ({ token, organizationID, userID, idempotencyKey, requestID, traceparent }) => {
    const headers: Record<string, string> = { Authorization: `Bearer ${token}`, ...more }
    if (idempotencyKey !== undefined) headers['Idempotency-Key'] = idempotencyKey
    if (requestID !== undefined) headers['X-Request-Id'] = requestID
    if (traceparent !== undefined) headers['traceparent'] = traceparent
    const response = await call(url, { path: pathOf(organizationID, userID), headers })
    onAnswer(response)
    return toOutcome(response)
  }
}

/** A Worker calls `deleteUser` over its binding of that name (workers/caller.ts). */
export function deleteUserOver(caller: URL, binding: string): Transport {
  return async (request) => {
    const response = await fetch(new URL('/rpc', caller), {
      method: 'POST',
      headers: { 'X-Binding': binding },
      body: JSON.stringify(request),
    })
    const said = await response.json<{ outcome?: DeleteUserOutcome; thrown?: string }>()
    if (said.outcome === undefined) throw new Error(said.thrown)
    return said.outcome
  }
}

/** A Worker calls `fetch` of its binding of that name. */
export function fetchOver(caller: URL, binding: string): Transport {
  return httpTo(caller, { 'X-Binding': binding })
}

function toOutcome({ status, body, headers }: CallResponse): DeleteUserOutcome {
  if (status === 200) return { ok: true }
  const retryAfter = headers.get('Retry-After')
  const failure = { ok: false, status, ...(JSON.parse(body) as object) }
  return (
    retryAfter === null ? failure : { ...failure, retryAfter: Number(retryAfter) }
  ) as DeleteUserOutcome
}
