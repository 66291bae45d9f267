/**
 * A webhook receiver in Node: verifies each delivery, drops copies, and removes the seat of a deleted user.
 */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'

/** The users who have a seat, and those who must not get one again: an event can come before the user is added here. */
export interface Seats {
  readonly taken: readonly string[]
  readonly deleted: readonly string[]
}

/** Gives the user a seat, unless the user is deleted. */
export function addUser(seats: Seats, userID: string): Seats {
  const isKnown = seats.taken.includes(userID) || seats.deleted.includes(userID)
  return isKnown ? seats : { ...seats, taken: [...seats.taken, userID] }
}

/** Removes the user's seat for good. A second time, it changes nothing. */
export function removeUser(seats: Seats, userID: string): Seats {
  if (seats.deleted.includes(userID)) return seats
  const taken = seats.taken.filter((id) => id !== userID)
  return { taken, deleted: [...seats.deleted, userID] }
}

/** The event's ID, and the ID of the deleted user if the event is not too large to name it. */
export interface Notice {
  readonly id: string
  readonly userID: string | undefined
}

/** Reads a delivery; throws if the listener did not sign it. */
export type Verify = (body: string, headers: IncomingHttpHeaders) => Promise<Notice>

/** Verifies the signature of Standard Webhooks. */
export function verifyWebhook(secret: string): Verify {
  return async (body, headers) => {
    const event = new Webhook(secret).verify(body, headers as Record<string, string>)
    const { id, subject } = event as { readonly id: string; readonly subject?: string }
    return { id, userID: subject }
  }
}

/** A request to the receiver. */
export interface Delivery {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** The event's ID; undefined if the signature is not valid. */
  readonly id: string | undefined
  /** The number of requests with this ID, with this one. */
  readonly attempt: number
}

/**
 * Starts a receiver on a free port. It accepts an event once, with a response of 2xx.
 *
 * @param respond responds to a delivery; undefined is no response
 */
export async function startReceiver(
  verify: Verify,
  respond: (delivery: Delivery) => Response | undefined,
) {
  const deliveries: Delivery[] = []
  const accepted: Notice[] = []
  let seats: Seats = { taken: [], deleted: [] }
  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { headers } = request
    const body = await text(request)
    const notice = await verify(body, headers).catch(() => undefined)
    const attempt = 1 + deliveries.filter(({ id }) => id === notice?.id).length
    const delivery = { headers, body, id: notice?.id, attempt }
    deliveries.push(delivery)
    const reply = respond(delivery)
    if (reply === undefined) return
    if (reply.ok && notice !== undefined && !accepted.some(({ id }) => id === notice.id)) {
      accepted.push(notice) // in a database: in the transaction of the change
      if (notice.userID !== undefined) seats = removeUser(seats, notice.userID)
    }
    response.writeHead(reply.status, Object.fromEntries(reply.headers)).end()
  }
  const server = createServer((request, response) => void receive(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    deliveries,
    accepted,
    seats: () => seats,
    addUser: (userID: string) => void (seats = addUser(seats, userID)),
    stop() {
      server.close()
      server.closeAllConnections()
    },
  }
}
