/** The caller: HTTP/1.1 over loopback connections that stay open. Times a request from its first byte to the answer's last. */
import { Client, Pool } from 'undici'

/** A request to be made. */
export interface RequestSpec {
  readonly method: 'DELETE' | 'POST' | 'GET'
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
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

/** Sends a request and gives the whole answer. Not timed. */
export async function send(origin: string, { body, ...spec }: RequestSpec): Promise<Answer> {
  const answer = await clientOf(origin).request({ ...spec, ...(body !== undefined && { body }) })
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
}

/**
 * The milliseconds that one request took over a warm connection.
 *
 * @throws Error when the answer has another status than expected: a measurement of a failure would be a lie
 */
export async function time(origin: string, spec: RequestSpec, status: number): Promise<number> {
  return timeWith(clientOf(origin), spec, status)
}

async function timeWith(
  client: Client | Pool,
  { body, ...spec }: RequestSpec,
  status: number,
): Promise<number> {
  const start = performance.now()
  const answer = await client.request({ ...spec, ...(body !== undefined && { body }) })
  if (answer.statusCode !== status) {
    const text = await answer.body.text()
    throw new Error(`${spec.method} ${spec.path}: ${answer.statusCode}, not ${status}: ${text}`)
  }
  await answer.body.dump()
  return performance.now() - start
}

export interface Load {
  /** Milliseconds of each request. */
  readonly times: number[]
  /** Milliseconds from the first request to the last answer. */
  readonly elapsedMs: number
}

/** Sends all requests with `concurrency` of them in flight. */
export async function load(
  origin: string,
  specs: readonly RequestSpec[],
  status: number,
  concurrency: number,
): Promise<Load> {
  const pool = new Pool(origin, { connections: concurrency, pipelining: 1 })
  const queue = specs.values()
  const times: number[] = []
  const work = async () => {
    for (const spec of queue) times.push(await timeWith(pool, spec, status))
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: concurrency }, work))
  const elapsedMs = performance.now() - start
  await pool.close()
  return { times, elapsedMs }
}

/** Closes every connection. */
export async function closeClients(): Promise<void> {
  await Promise.all([...clients.values()].map((client) => client.close()))
  clients.clear()
}
