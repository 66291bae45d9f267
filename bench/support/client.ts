/** The caller: HTTP/1.1 over loopback connections that stay open. */
import { Client, Pool } from 'undici'

/** A request to send. */
export interface RequestSpec {
  readonly method: 'DELETE' | 'POST'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

const clients = new Map<string, Client>()

function clientOf(origin: string): Client {
  let client = clients.get(origin)
  if (client === undefined) {
    client = new Client(origin, { pipelining: 1, keepAliveTimeout: 600_000 })
    clients.set(origin, client)
  }
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
export async function time(
  target: string | Pool,
  spec: RequestSpec,
  status: number,
): Promise<number> {
  const client = typeof target === 'string' ? clientOf(target) : target
  const start = performance.now()
  const { statusCode, body } = await client.request(spec)
  if (statusCode !== status) {
    const text = await body.text()
    throw new Error(`${spec.method} ${spec.path}: ${statusCode}, not ${status}: ${text}`)
  }
  await body.dump()
  return performance.now() - start
}

/** How many requests `load` keeps in flight. */
export const CONCURRENCY = 16

/** Sends all requests, 16 at a time. Gives the milliseconds of each, and of all together. */
export async function load(origin: string, specs: readonly RequestSpec[], status: number) {
  const pool = new Pool(origin, { connections: CONCURRENCY, pipelining: 1 })
  const queue = specs.values()
  const times: number[] = []
  const work = async () => {
    for (const spec of queue) times.push(await time(pool, spec, status))
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: CONCURRENCY }, work))
  const elapsedMs = performance.now() - start
  await pool.close()
  return { times, elapsedMs }
}

export async function closeClients(): Promise<void> {
  await Promise.all([...clients.values()].map((client) => client.close()))
  clients.clear()
}
