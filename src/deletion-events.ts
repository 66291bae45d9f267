/**
 * Makes the event of a deletion (CloudEvents 1.0) from its record, and sends it behind the response. An event that is not
 * sent, or not removed from the outbox, stays for the sweep (sweep.ts), which sends an equal copy.
 */
import { query, type PendingDeletion } from './database'
import { removeFromOutbox } from './statements'
import { limitTime } from './time-limit'

/** A queue was seen to hang for 57 s: https://github.com/cloudflare/workerd/issues/6053 */
const QUEUE_TIMEOUT_MS = 10_000
/** Sent events are removed together: a statement for each would cost half of a deletion. */
const REMOVAL_DELAY_MS = 1_000
/** A message may have 128 KB with its metadata. */
const MAX_EVENT_BYTES = 100_000

/** An event and its size in bytes of JSON. */
export interface Message {
  readonly id: string
  readonly body: object
  readonly bytes: number
}

/** The event of a deletion. Above 100,000 bytes it only names the record. */
export function makeMessage({ id, deletedAt, data }: PendingDeletion): Message {
  const event = {
    specversion: '1.0',
    id,
    type: 'dev.identity-worker.user.deleted',
    source: '/api/v1/organizations',
    time: new Date(deletedAt).toISOString(),
    datacontenttype: 'application/json',
    data: { deletionID: id },
  }
  if (data === null) return measure(event)
  const values = JSON.parse(data, dropNull) as { organizationID: string; userID: string }
  const source = `${event.source}/${encodeURIComponent(values.organizationID)}`
  const whole = measure({ ...event, source, subject: values.userID, data: values })
  return whole.bytes > MAX_EVENT_BYTES ? measure(event) : whole
}

/** Only `groupIDs` can be null: they were not recorded. */
const dropNull = (_: string, value: unknown): unknown => value ?? undefined

function measure(body: { readonly id: string; readonly [member: string]: unknown }): Message {
  return { id: body.id, body, bytes: new TextEncoder().encode(JSON.stringify(body)).byteLength }
}

/** Sent events that are still in the outbox. Requests of an isolate share them; they share no promise. */
const sent: { readonly id: string }[] = []

/** Sends the event of a deletion that was just made. Never rejects. */
export async function sendEvent(
  deletion: PendingDeletion,
  queue: Queue,
  database: D1Database,
): Promise<void> {
  const cause = await trySend(() => queue.send(makeMessage(deletion).body))
  if (cause !== undefined) return logDeferral(deletion.id, cause)
  sent.push(deletion)
  await new Promise((resolve) => setTimeout(resolve, REMOVAL_DELAY_MS))
  const all = sent.splice(0) // the first request that gets here takes all
  try {
    await removeEvents(database, all)
  } catch {
    for (const { id } of all) logDeferral(id, 'removal_failed')
  }
}

/** Removes sent events from the outbox, in one statement. */
export async function removeEvents(
  database: D1Database,
  events: readonly { readonly id: string }[],
): Promise<void> {
  const IDs = JSON.stringify(events.map(({ id }) => id))
  if (events.length > 0) await query(database, removeFromOutbox, { IDs })
}

export type DeferralCause = 'queue_failed' | 'queue_timeout' | 'removal_failed'

/** Sends within 10 s; the cause if that fails. */
export async function trySend(send: () => Promise<unknown>): Promise<DeferralCause | undefined> {
  try {
    const done = send().then(() => undefined)
    return await limitTime<DeferralCause | undefined>(done, QUEUE_TIMEOUT_MS, () => 'queue_timeout')
  } catch {
    return 'queue_failed'
  }
}

/** Writes the line of an event that stays in the outbox. */
export function logDeferral(deletionID: string, cause: DeferralCause): void {
  console.warn(JSON.stringify({ message: 'deletion_event_deferred', deletionID, cause }))
}
