/**
 * What is a deletion? The use case in a straight line: authenticate the caller, remove the user. Both doors call it; it
 * knows no Request, no Response and no SQL. What it learns on its way it writes into the request's line.
 */
import { authenticate } from './authenticate'
import { readSettings, type Environment } from './config'
import { removeUser } from './database'
import { IdentityError } from './errors'
import { findKeySet } from './key-set'
import type { RequestLine } from './log'

/** What a caller asks for. */
export interface Deletion {
  /** The bearer token, without its scheme. */
  readonly token: string
  readonly organizationID: string
  readonly userID: string
  readonly idempotencyKey: string | null
}

/** What the platform lends to one request. */
export interface Surroundings {
  readonly env: Environment
  readonly ctx: Pick<ExecutionContext, 'waitUntil'>
}

/** D1 stores no text above 2 MB, at 3 bytes a UTF-16 unit at most: a longer ID names nobody and is bound as null. */
const MAX_ID_LENGTH = 500_000

/**
 * Deletes a user and disassociates them with all groups they are a member of (contract).
 *
 * @throws IdentityError for every outcome but a deletion, made now or, by the same idempotency key, before
 */
export async function deleteUser(
  deletion: Deletion,
  { env, ctx }: Surroundings,
  line: RequestLine,
): Promise<void> {
  const { config } = readSettings(env)
  if (config instanceof IdentityError) throw config
  const keySet = findKeySet(config)
  const keyRequest = { issuer: env.ISSUER, waitUntil: ctx.waitUntil.bind(ctx) }
  const { subject } = await authenticate(deletion.token, config, keySet.keyFor(keyRequest))
  line.actor = { subject }

  const removal = {
    deletionID: makeDeletionID(),
    subject,
    organizationID: toStorable(deletion.organizationID),
    userID: toStorable(deletion.userID),
    requestID: line.requestID,
    idempotencyKey: deletion.idempotencyKey,
  }
  const { outcome, actorKind, groupsRemoved } = await removeUser(
    env.DB,
    removal,
    config.keepLastAdministrator,
    (use) => (line.database = use),
  )
  if (actorKind !== null) line.actor = { kind: actorKind, subject }
  if (groupsRemoved !== null) line.groupsRemoved = groupsRemoved
  if (outcome !== 'deleted' && outcome !== 'replayed') throw new IdentityError(outcome)
}

function toStorable(id: string): string | null {
  return id.length > MAX_ID_LENGTH ? null : id
}

/** A UUID of version 7 (RFC 9562, 5.7): records lie in the order of their time, so old ones are found without an index. */
function makeDeletionID(): string {
  const time = Date.now().toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${crypto.randomUUID().slice(15)}`
}
