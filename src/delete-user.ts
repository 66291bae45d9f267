/**
 * The use case: authenticate the caller, delete the user. Both transports call it. Knows no Request, no Response and no
 * SQL. Writes what it learns into the line of the request.
 */
import { authenticate, type Credentials } from './authenticate'
import type { Config } from './config'
import { makeIDPrefix, removeUser } from './database'
import { sendEvent } from './deletion-events'
import { IdentityError } from './errors'
import { findKeySet, type WaitUntil } from './key-set'
import type { RequestLine } from './log'

/** One call, as either transport reads it. */
export interface Call extends Credentials {
  readonly organizationID: string
  readonly userID: string
  readonly idempotencyKey: string | null
}

/** What the deletion depends on. */
export interface Dependencies {
  readonly config: Config
  readonly waitUntil: WaitUntil
}

/** D1 stores no text above 2 MB, and a UTF-16 unit takes at most 3 bytes. A longer ID names no row and is bound as null. */
const MAX_STORED_ID_LENGTH = 500_000

/**
 * Deletes a user and disassociates them with all groups they are a member of (contract).
 *
 * @throws IdentityError for every outcome but a deletion, made now or earlier with the same idempotency key
 */
export async function deleteUser(
  call: Call,
  { config, waitUntil }: Dependencies,
  line: RequestLine,
): Promise<void> {
  const subject = await authenticate(call, config, findKeySet(config).findKey(waitUntil))
  line.actor = { subject }

  const removal = {
    deletionID: makeDeletionID(),
    subject,
    organizationID: toStorable(call.organizationID),
    userID: toStorable(call.userID),
    requestID: line.requestID,
    idempotencyKey: call.idempotencyKey,
  }
  const { database, deletionEvents } = config
  const { outcome, actorKind, groupsRemoved, event } = await removeUser(
    database,
    removal,
    { ...config, makeEvents: deletionEvents !== undefined },
    (use) => (line.database = use),
  )
  if (actorKind !== null) line.actor = { kind: actorKind, subject }
  if (groupsRemoved !== null) line.groupsRemoved = groupsRemoved
  if (event !== undefined && deletionEvents !== undefined) {
    waitUntil(sendEvent(event, deletionEvents, database))
  }
  if (outcome !== 'deleted' && outcome !== 'replayed') throw new IdentityError(outcome)
}

function toStorable(id: string): string | null {
  return id.length > MAX_STORED_ID_LENGTH ? null : id
}

/** A UUID of version 7 (RFC 9562, 5.7). Records are stored in the order of their IDs, so old ones are found without an index. */
function makeDeletionID(): string {
  return `${makeIDPrefix(Date.now())}7${crypto.randomUUID().slice(15)}`
}
