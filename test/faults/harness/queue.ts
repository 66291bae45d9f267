/**
 * A queue in this process, which lives on if the runtime is killed; the local broker forgets its messages then. A Worker
 * beside the others has the methods of a queue and passes each call on over HTTP.
 */
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { compatibility } from '../../../dev/identity-worker.ts'
import type { LocalWorker } from '../../../dev/local-workers.ts'

/** What the queue does with one call. */
export type Course = 'takes' | 'fails' | 'hangs'

/** A queue, and all that it took. */
export interface StandInQueue {
  /** The Worker to bind as `DELETION_EVENTS`. */
  readonly worker: LocalWorker
  readonly binding: { readonly name: string; readonly entrypoint: string }
  /** Every copy of every event as text, by its ID. */
  readonly events: ReadonlyMap<string, readonly string[]>
  /** Decides about the next calls. */
  course: () => Course
  stop(): Promise<void>
}

/** Starts a queue that takes everything. */
export async function startQueue(): Promise<StandInQueue> {
  const events = new Map<string, string[]>()
  const server = createServer((request, response) => {
    void text(request).then((body) => take(JSON.parse(body) as { readonly id: string }[], response))
  })

  function take(bodies: readonly { readonly id: string }[], response: ServerResponse): void {
    const course = queue.course()
    if (course === 'hangs') return
    if (course === 'takes') {
      for (const body of bodies) {
        events.set(body.id, [...(events.get(body.id) ?? []), JSON.stringify(body)])
      }
    }
    response.writeHead(course === 'takes' ? 200 : 503).end()
  }

  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const queue: StandInQueue = {
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
    course: () => 'takes',
    async stop() {
      server.closeAllConnections()
      server.close()
    },
  }
  return queue
}
