/**
 * An HTTP server for this machine only: it listens on 127.0.0.1.
 */
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * Listens on a TCP port; 0 takes a free one. A request for another host name gets 403: an attacker can point a name at
 * 127.0.0.1 (DNS rebinding), which would make this server part of the attacker's origin.
 * @param createListener makes the listener for requests to this origin
 */
export async function serve(port: number, createListener: (origin: string) => RequestListener) {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const listener = createListener(origin)
  server.on('request', (request, response) => {
    if (`http://${request.headers.host}` === origin) return listener(request, response)
    response
      .writeHead(403, { 'Content-Type': 'text/plain; charset=utf-8' })
      .end(`This server has one address. Open it instead: ${origin}/\n`)
  })
  return {
    origin,
    async stop() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
