/**
 * A queue in this process, which lives on if the runtime is killed; the local broker forgets its messages then. A Worker
 * has the methods of a queue and passes each call on over HTTP.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { compatibility } from '../../../dev/identity-worker.ts'
import type { LocalWorker } from '../../../dev/local-workers.ts'

/** A queue, and all events that it has accepted. */
export interface TestQueue {
  /** The Worker with the methods of the queue. */
  readonly worker: LocalWorker
  /** The binding `DELETION_EVENTS` to it. */
  readonly binding: { readonly name: string; readonly entrypoint: string }
  /** Every copy of every event as text, by its ID. */
  readonly events: ReadonlyMap<string, readonly string[]>
  /** Decides what the queue does with the next call. */
  behave: () => 'accepts' | 'fails' | 'hangs'
  stop(): Promise<void>
}

/** Starts a queue that accepts everything. */
export async function startQueue(): Promise<TestQueue> {
  const events = new Map<string, string[]>()
  const server = createServer((request, response) => void receive(request, response))

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const bodies = (await json(request)) as { readonly id: string }[]
    const behaviour = queue.behave()
    if (behaviour === 'hangs') return
    for (const body of behaviour === 'accepts' ? bodies : []) {
      events.set(body.id, [...(events.get(body.id) ?? []), JSON.stringify(body)])
    }
    response.writeHead(behaviour === 'accepts' ? 200 : 503).end()
  }

  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const queue: TestQueue = {
    worker: {
      name: 'queue',
      modules: true,
      script: `import { WorkerEntrypoint } from 'cloudflare:workers'
        async function pass(bodies) {
          const init = { method: 'POST', body: JSON.stringify(bodies) }
          const { ok } = await fetch('http://127.0.0.1:${port}', init)
          if (!ok) throw new Error('Queue is overloaded. Please back off.')
        }
        export class Queue extends WorkerEntrypoint {
          send(body) { return pass([body]) }
          sendBatch(messages) { return pass(messages.map(({ body }) => body)) }
        }
        export default { fetch: () => new Response(null, { status: 404 }) }`,
      ...compatibility,
    },
    binding: { name: 'queue', entrypoint: 'Queue' },
    events,
    behave: () => 'accepts',
    async stop() {
      server.closeAllConnections()
      server.close()
    },
  }
  return queue
}
