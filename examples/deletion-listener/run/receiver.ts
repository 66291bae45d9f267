/**
 * A webhook receiver in Node: verifies each delivery, drops copies, and takes away the seat of a deleted user.
 */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { jwtVerify, type JWK } from 'jose'
import { Webhook } from 'standardwebhooks'

/** Who has a seat, and who must not get one again: an event can come before the user is heard of elsewhere. */
export interface Seats {
  readonly taken: readonly string[]
  readonly deleted: readonly string[]
}

/** Gives the user a seat, unless its deletion is known. */
export function addUser(seats: Seats, userID: string): Seats {
  const isKnown = seats.taken.includes(userID) || seats.deleted.includes(userID)
  return isKnown ? seats : { ...seats, taken: [...seats.taken, userID] }
}

/** Takes the user's seat away for good. A second time, it changes nothing. */
export function removeUser(seats: Seats, userID: string): Seats {
  if (seats.deleted.includes(userID)) return seats
  const taken = seats.taken.filter((id) => id !== userID)
  return { taken, deleted: [...seats.deleted, userID] }
}

/** What a delivery says: the event's ID, and the deleted user's unless the event is too large to name it. */
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

/** Verifies a Security Event Token about a deletion (RFC 8417; RFC 9967, 2.4.4). */
export function verifyToken(publicKey: JWK, issuer: string, audience: string): Verify {
  return async (body) => {
    const expected = { issuer, audience, typ: 'secevent+jwt' }
    const { payload } = await jwtVerify<{
      readonly sub_id: { readonly format: string; readonly uri: string }
      readonly events: Readonly<Record<string, object>>
    }>(body, publicKey, expected)
    const { jti = '', sub_id, events } = payload
    if (!('urn:ietf:params:scim:event:prov:delete' in events)) throw new Error('another event')
    return { id: jti, userID: decodeURIComponent(sub_id.uri.replace('/Users/', '')) }
  }
}

/** A request that the receiver got. */
export interface Delivery {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** The event's ID; undefined if the signature is not valid. */
  readonly id: string | undefined
  /** How many requests had this ID, this one included. */
  readonly attempt: number
}

/** A receiver that runs. */
export interface Receiver {
  readonly url: string
  /** All requests. */
  readonly deliveries: readonly Delivery[]
  /** The events, each once. */
  readonly accepted: readonly Notice[]
  readonly seats: Seats
  addUser(userID: string): void
  stop(): void
}

/** Responds to a delivery; undefined is no response at all. */
export type Respond = (delivery: Delivery) => Response | undefined

/** Starts a receiver on a free port. An event counts when the response to it is 2xx, once. */
export async function startReceiver(
  verify: Verify,
  respond: Respond = ({ id }) => new Response(null, { status: id === undefined ? 401 : 204 }),
): Promise<Receiver> {
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
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    deliveries,
    accepted,
    get seats() {
      return seats
    },
    addUser: (userID) => void (seats = addUser(seats, userID)),
    stop() {
      server.close()
      server.closeAllConnections()
    },
  }
}
