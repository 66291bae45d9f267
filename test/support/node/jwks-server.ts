/**
 * A JWKS endpoint as a real HTTP server on loopback, whose answers can be switched while it runs.
 */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createIssuer, type Issuer, type IssuerOptions } from '../../../dev/test-issuer.ts'
import { createJwksEndpoint, withBody, type JwksEndpoint } from '../jwks-responders.ts'

/** An issuer with its server. */
export interface ServedIssuer extends Issuer {
  readonly endpoint: JwksEndpoint
  stop(): Promise<void>
}

/** Starts a server, and an issuer whose JWK Set is there. */
export async function serveIssuer(
  options: Omit<IssuerOptions, 'jwksURL'> = {},
): Promise<ServedIssuer> {
  const endpoint = createJwksEndpoint(() => new Response(null, { status: 503 }))
  const server = createServer((incoming, outgoing) => {
    const headers = Object.entries(incoming.headersDistinct).flatMap(([name, values = []]) =>
      values.map((value): [string, string] => [name, value]),
    )
    const url = new URL(incoming.url ?? '/', `http://${incoming.headers.host}`)
    const request = new Request(url, { method: incoming.method ?? 'GET', headers })
    // A connection that breaks is one of the answers; so is a caller that goes away.
    endpoint.fetch(request).then(
      (response) => send(response, outgoing).catch(() => outgoing.destroy()),
      () => outgoing.destroy(),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const issuer = await createIssuer({ ...options, jwksURL: `http://127.0.0.1:${port}/jwks` })
  endpoint.respond = (request) => withBody(issuer.jwks())(request)
  return {
    ...issuer,
    endpoint,
    stop() {
      server.closeAllConnections()
      return new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)))
      })
    },
  }
}

async function send(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  outgoing.flushHeaders()
  for await (const chunk of response.body ?? []) outgoing.write(chunk)
  outgoing.end()
}
