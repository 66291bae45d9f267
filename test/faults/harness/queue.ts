/**
 * A queue in this process, which lives on if the runtime is killed; the local broker forgets its messages then. A Worker
 * has the methods of a queue and passes each call on over HTTP.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { compatibility } from '../../../dev/identity-worker.ts'

/** Starts a queue that accepts everything. */
export async function startQueue() {
  /** Every copy of every event as text, by its ID. */
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
  const queue = {
    /** The Worker with the methods of the queue. */
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
    /** The binding `DELETION_EVENTS` to it. */
    binding: { name: 'queue', entrypoint: 'Queue' },
    events,
    /** Decides what the queue does with the next call. */
    behave: (): 'accepts' | 'fails' | 'hangs' => 'accepts',
    stop() {
      server.closeAllConnections()
      server.close()
    },
  }
  return queue
}
