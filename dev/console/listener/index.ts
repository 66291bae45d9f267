/**
 * The consumer of the local queue: keeps the last deletion events in memory and returns them to the console's server.
 */
import type { DeletionEvent } from '../protocol.ts'

const MAX_EVENTS = 20
let events: DeletionEvent[] = []

export default {
  queue({ messages }: { readonly messages: readonly { readonly body: DeletionEvent }[] }): void {
    events = [...messages.map(({ body }) => body).toReversed(), ...events].slice(0, MAX_EVENTS)
  },
  fetch: () => Response.json(events),
}
