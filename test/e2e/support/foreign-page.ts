/**
 * An empty page on an origin of its own: whatever it reaches, it reaches as a page of anybody's would.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A page that is served. */
export interface ForeignPage {
  readonly url: string
  stop(): void
}

/** Serves it on a free port of 127.0.0.1. */
export async function serveForeignPage(): Promise<ForeignPage> {
  const server = createServer((_, response) => {
    response
      .writeHead(200, { 'Content-Type': 'text/html' })
      .end('<!doctype html><title>A page</title>')
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop() {
      server.closeAllConnections()
      server.close()
    },
  }
}
