/**
 * How each door is called, and what it answers, as one kind of value: an HTTP response in the words of `deleteUser`.
 */
import type { DeleteUserOutcome, DeleteUserRequest } from '../../src/identity'
import { call, pathOf, type Answer } from '../support/node/client'

/** A way to the Worker under test, from the test. */
export type Door = (request: DeleteUserRequest) => Promise<DeleteUserOutcome>

/** The HTTP door at an address, with more headers where they are given; `onAnswer` gets each response. */
export function httpDoor(
  url: URL,
  more: Record<string, string> = {},
  onAnswer: (answer: Answer) => void = () => {},
): Door {
  return async ({ token, organizationID, userID, idempotencyKey, requestID, traceparent }) => {
    const headers: Record<string, string> = { Authorization: `Bearer ${token}`, ...more }
    if (idempotencyKey !== undefined) headers['Idempotency-Key'] = idempotencyKey
    if (requestID !== undefined) headers['X-Request-Id'] = requestID
    if (traceparent !== undefined) headers['traceparent'] = traceparent
    const answer = await call(url, { path: pathOf(organizationID, userID), headers })
    onAnswer(answer)
    return toOutcome(answer)
  }
}

/** The second door: a Worker calls `deleteUser` over its binding of that name (workers/caller.ts). */
export function rpcDoor(caller: URL, binding: string): Door {
  return async (request) => {
    const answer = await fetch(new URL('/rpc', caller), {
      method: 'POST',
      headers: { 'X-Binding': binding },
      body: JSON.stringify(request),
    })
    const said = await answer.json<{ outcome?: DeleteUserOutcome; thrown?: string }>()
    if (said.outcome === undefined) throw new Error(said.thrown)
    return said.outcome
  }
}

/** The HTTP door, reached by a Worker through its binding of that name. */
export function fetchDoor(caller: URL, binding: string): Door {
  return httpDoor(caller, { 'X-Binding': binding })
}

function toOutcome({ status, body, headers }: Answer): DeleteUserOutcome {
  if (status === 200) return { ok: true }
  const retryAfter = headers.get('Retry-After')
  const failure = { ok: false, status, ...(JSON.parse(body) as object) }
  return (
    retryAfter === null ? failure : { ...failure, retryAfter: Number(retryAfter) }
  ) as DeleteUserOutcome
}
