/**
 * A JWKS endpoint as a real HTTP server on loopback. Its responses can change while it runs.
 */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createIssuer, type IssuerOptions } from '../../../dev/test-issuer.ts'
import { createJwksEndpoint, withBody } from '../jwks-responders.ts'

export type ServedIssuer = Awaited<ReturnType<typeof serveIssuer>>

/** Starts a server, and creates an issuer whose JWKS is there. */
export async function serveIssuer(options: Omit<IssuerOptions, 'jwksURL'> = {}) {
  const endpoint = createJwksEndpoint(() => new Response(null, { status: 503 }))
  const server = createServer((incoming, outgoing) => {
    const headers = Object.entries(incoming.headersDistinct).flatMap(([name, values = []]) =>
      values.map((value): [string, string] => [name, value]),
    )
    const url = new URL(incoming.url ?? '/', `http://${incoming.headers.host}`)
    const request = new Request(url, { method: incoming.method ?? 'GET', headers })
    // A responder may break the connection, and a caller may go away.
    endpoint
      .fetch(request)
      .then((response) => send(response, outgoing))
      .catch(() => outgoing.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const issuer = await createIssuer({ ...options, jwksURL: `http://127.0.0.1:${port}/jwks` })
  endpoint.respond = (request) => withBody(issuer.jwks())(request)
  async function stop(): Promise<void> {
    server.closeAllConnections()
    await server[Symbol.asyncDispose]()
  }
  return { ...issuer, endpoint, stop }
}

async function send(response: Response, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  outgoing.flushHeaders()
  for await (const chunk of response.body ?? []) outgoing.write(chunk)
  outgoing.end()
}
