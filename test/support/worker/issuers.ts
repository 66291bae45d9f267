/**
 * Issuers inside workerd: what the Worker fetches goes to the endpoint that serves the URL. A new issuer has a URL of its
 * own, for which the isolate has no keys yet: each one is a cold start.
 */
import { createIssuer, type Issuer, type IssuerOptions } from '../../../dev/test-issuer.ts'
import { createJwksEndpoint, withBody, type JwksEndpoint } from '../jwks-responders'

/** An issuer with its endpoint. */
export interface ServedIssuer extends Issuer {
  readonly endpoint: JwksEndpoint
}

const endpoints = new Map<string, JwksEndpoint>()

/** A new issuer whose JWK Set can be fetched. */
export async function serveIssuer(options: IssuerOptions = {}): Promise<ServedIssuer> {
  const issuer = await createIssuer(options)
  const endpoint = createJwksEndpoint((request) => withBody(issuer.jwks())(request))
  endpoints.set(issuer.vars.JWKS_URL, endpoint)
  return { ...issuer, endpoint }
}

/** The network of the tests: issuers alone. */
export async function fetchFromIssuers(
  input: RequestInfo | URL,
  init?: RequestInit,
): Promise<Response> {
  const request = new Request(input, init)
  const endpoint = endpoints.get(request.url)
  if (endpoint === undefined) throw new TypeError(`no issuer serves ${request.url}`)
  return endpoint.fetch(request)
}
