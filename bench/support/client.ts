/** The caller: HTTP/1.1 over loopback connections that stay open. */
import { Client } from 'undici'

/** A request to send. */
export interface RequestSpec {
  readonly method: 'DELETE'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

const clients = new Map<string, Client>()

function clientOf(origin: string): Client {
  const client = clients.get(origin) ?? new Client(origin, { keepAliveTimeout: 600_000 })
  clients.set(origin, client)
  return client
}

/** Sends a request and reads the whole response. Not timed. */
export async function send(origin: string, spec: RequestSpec) {
  const { statusCode, headers, body } = await clientOf(origin).request(spec)
  return { status: statusCode, headers, text: await body.text() }
}

/**
 * Milliseconds from the first byte of the request to the last byte of the response, over an open connection.
 *
 * @throws Error if the response has another status: a failure must not be measured
 */
export async function time(origin: string, spec: RequestSpec, status: number): Promise<number> {
  const client = clientOf(origin)
  const start = performance.now()
  const { statusCode, body } = await client.request(spec)
  if (statusCode !== status) {
    const text = await body.text()
    throw new Error(`${spec.method} ${spec.path}: ${statusCode}, not ${status}: ${text}`)
  }
  await body.dump()
  return performance.now() - start
}

export async function closeClients(): Promise<void> {
  await Promise.all([...clients.values()].map((client) => client.close()))
  clients.clear()
}
