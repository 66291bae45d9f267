/**
 * Calls the Worker over each transport. An HTTP response becomes an outcome of `deleteUser`.
 */
import type { DeleteUserOutcome, DeleteUserRequest } from '../../src/identity'
import { call, pathOf, type CallResponse } from '../support/node/client'
import type { CallResult, Instruction } from './workers/caller'

/** Makes one call and returns its outcome. */
export type Transport = (request: DeleteUserRequest) => Promise<DeleteUserOutcome>

/** HTTP to an address, with further headers. `onResponse` gets each response. */
export function httpTo(
  url: URL,
  more: Record<string, string> = {},
  onResponse: (response: CallResponse) => void = () => {},
): Transport {
  return async ({ token, organizationID, userID, idempotencyKey, requestID, traceparent }) => {
    const headers: Record<string, string> = { Authorization: `Bearer ${token}`, ...more }
    if (idempotencyKey !== undefined) headers['Idempotency-Key'] = idempotencyKey
    if (requestID !== undefined) headers['X-Request-Id'] = requestID
    if (traceparent !== undefined) headers['traceparent'] = traceparent
    const response = await call(url, { path: pathOf(organizationID, userID), headers })
    onResponse(response)
    if (response.status === 200) return { ok: true }
    const failure = { ok: false, status: response.status, ...(JSON.parse(response.body) as object) }
    const retryAfter = response.headers.get('Retry-After')
    const retry = retryAfter === null ? {} : { retryAfter: Number(retryAfter) }
    return { ...failure, ...retry } as DeleteUserOutcome
  }
}

/** `fetch` of a binding of the Worker `caller` (workers/caller.ts). */
export function fetchOver(caller: URL, binding: string): Transport {
  return httpTo(caller, { 'X-Binding': binding })
}

/** `deleteUser` of a binding of the Worker `caller`. */
export function deleteUserOver(caller: URL, binding: string): Transport {
  return async (request) => {
    const response = await instruct(caller, binding, { request })
    const { outcome, thrown } = await response.json<CallResult>()
    if (outcome === undefined) throw new Error(thrown?.message)
    return outcome
  }
}

/** Has the Worker `caller` make a call of `deleteUser`. */
export function instruct(
  caller: URL,
  binding: string,
  instruction: Instruction,
  init?: RequestInit,
): Promise<Response> {
  const headers = { 'X-Binding': binding }
  const body = JSON.stringify(instruction)
  return fetch(new URL('/rpc', caller), { method: 'POST', headers, body, ...init })
}
