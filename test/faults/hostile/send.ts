/**
 * Sends a request to the byte: no client library tidies its path or its headers.
 */
import { request as open, type Agent } from 'node:http'
import type { CallResponse } from '../../support/node/client'
import type { HostileRequest } from './requests'

/** Sends it, and reads the answer. */
export function send(
  worker: URL,
  agent: Agent,
  { method, path, host, headers, body }: HostileRequest,
  authorization: string | null,
): Promise<CallResponse> {
  return new Promise((resolve, reject) => {
    const all: Record<string, string> = { Host: host, ...headers }
    if (authorization !== null) all['Authorization'] = authorization
    if (body !== null) all['Content-Length'] = String(Buffer.byteLength(body))
    const { hostname, port } = worker
    const options = { hostname, port, method, path, headers: all, agent, setHost: false }
    const outgoing = open(options, (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () => {
        const fields = Object.entries(incoming.headersDistinct).flatMap(([name, values = []]) =>
          values.map((value): [string, string] => [name, value]),
        )
        resolve({
          status: incoming.statusCode ?? 0,
          headers: new Headers(fields),
          body: Buffer.concat(chunks).toString('utf8'),
        })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(body ?? undefined)
  })
}
