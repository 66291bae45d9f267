/**
 * Issuers inside workerd. A fetch goes to the endpoint of the issuer that has this URL. A new issuer has a new URL, for
 * which the isolate has no keys yet: a cold start.
 */
import { createIssuer, type IssuerOptions } from '../../../dev/test-issuer.ts'
import { createJwksEndpoint, withBody, type JwksEndpoint } from '../jwks-responders'

export type ServedIssuer = Awaited<ReturnType<typeof serveIssuer>>

const endpoints = new Map<string, JwksEndpoint>()

/** Creates an issuer, and serves its JWKS. */
export async function serveIssuer(options: IssuerOptions = {}) {
  const issuer = await createIssuer(options)
  const endpoint = createJwksEndpoint((request) => withBody(issuer.jwks())(request))
  endpoints.set(issuer.vars.JWKS_URL, endpoint)
  return { ...issuer, endpoint }
}

/** A `fetch` that reaches issuers alone. */
export async function fetchFromIssuers(
  input: RequestInfo | URL,
  init?: RequestInit,
): Promise<Response> {
  const request = new Request(input, init)
  const endpoint = endpoints.get(request.url)
  if (endpoint === undefined) throw new TypeError(`no issuer serves ${request.url}`)
  return endpoint.fetch(request)
}
