/**
 * Responses to a deletion that removed no user, served over HTTP: those of a firewall, a proxy or another server before
 * the Worker, and some of the Worker itself. Each sample of the documents is run against all of them.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ForeignResponse {
  readonly title: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** The `error`, if the response is the Worker's. */
  readonly error?: string
  /** The `Retry-After`, if the response is the Worker's. */
  readonly retryAfter?: string
}

const HTML = { 'Content-Type': 'text/html; charset=utf-8' }
const TEXT = { 'Content-Type': 'text/plain' }
const JSON_TYPE = { 'Content-Type': 'application/json' }
const GATEWAY = { ...JSON_TYPE, 'X-Request-Id': 'gateway-1' }
const LOGIN = { Location: '/login' }
const LOGIN_PAGE = '<!doctype html><title>Sign in</title><form></form>'

const responses: readonly ForeignResponse[] = [
  foreign('a firewall', 403, '<!doctype html><title>Blocked</title>', HTML),
  foreign('a rate limit', 429, '<!doctype html><title>Slow down</title>', HTML),
  foreign('maintenance', 503, '<!doctype html><title>Back soon</title>', HTML),
  foreign('maintenance until a date', 503, '', { 'Retry-After': 'Fri, 01 Jan 2100 00:00:00 GMT' }),
  foreign('a proxy without an upstream', 502, ''),
  foreign('an exception of another Worker', 500, 'error code: 1101', TEXT),
  foreign("another server's JSON", 404, '{"error":"Not Found","status":404}', JSON_TYPE),
  foreign('JSON without members', 500, 'null', JSON_TYPE),
  foreign('JSON with an object in it', 400, '{"error":{"code":"bad"}}', JSON_TYPE),
  foreign('a gateway that responds before the Worker', 202, '{}', GATEWAY),
  foreign('a redirect to a login page', 302, '', LOGIN),
  foreign('a redirect that keeps the method', 307, '', LOGIN),
  foreign('a login page', 200, LOGIN_PAGE, HTML),
  ours('the Worker, to another method', 405, 'method_not_allowed'),
  ours('the Worker, for a moment', 500, 'server_error', { 'Retry-After': '1' }),
  ours('the Worker, without quota', 500, 'server_error', { 'Retry-After': '41000' }),
]

function foreign(title: string, status: number, body: string, headers = {}): ForeignResponse {
  return { title, status, headers, body }
}

function ours(
  title: string,
  status: number,
  error: string,
  retry?: { readonly 'Retry-After': string },
): ForeignResponse {
  const body = JSON.stringify({ error, error_description: 'a sentence' })
  const headers = { ...JSON_TYPE, 'X-Request-Id': 'request-1', ...retry }
  return { title, status, headers, body, error, ...(retry && { retryAfter: retry['Retry-After'] }) }
}

/** All responses, each with the ID of the organization for which the server sends it. */
export const foreignCases = responses.map((response, index) => ({
  ...response,
  organizationID: String(index),
}))

/** Serves the responses, and a login page at any other path. */
export async function serveForeignResponses() {
  const keys = new Map<string, unknown[]>()
  const server = createServer(({ url = '', headers: sent }, outgoing) => {
    const [, organizationID = ''] = /^\/api\/v1\/organizations\/(\d+)\/users\//.exec(url) ?? []
    keys.set(organizationID, [...(keys.get(organizationID) ?? []), sent['idempotency-key']])
    // Some applications number their requests, as the Worker does.
    const page = { status: 200, headers: { ...HTML, 'X-Request-Id': 'page-1' }, body: LOGIN_PAGE }
    const { status, headers, body } = responses[Number(organizationID || NaN)] ?? page
    outgoing.writeHead(status, headers).end(body)
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** The idempotency keys of the requests that named an organization, in order. */
    keysFor: (organizationID: string): readonly unknown[] => keys.get(organizationID) ?? [],
    stop() {
      server.closeAllConnections()
      server.close()
    },
  }
}
