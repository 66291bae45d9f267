/**
 * The barest correct batch: a user of an organization, its memberships, and the record of it, in one transaction.
 * It decides nothing: whoever calls may delete. A user who is not there leaves no record and nothing is deleted.
 */
import type { Target } from './parts.ts'

const RECORD = `INSERT INTO user_deletions (id, organization_id, organization_user_id, user_id, actor_kind,
    actor_subject, groups_removed, request_id, idempotency_key, deleted_at)
  SELECT ?1, organization_id, id, user_id, 'user', ?2,
    (SELECT count(*) FROM group_members WHERE organization_user_id = ?5), ?3, NULL, ?4
  FROM organization_users WHERE id = ?5 AND organization_id = ?6`

const MEMBERSHIPS = `DELETE FROM group_members WHERE organization_user_id = ?1 AND organization_id = ?2`

const USER = `DELETE FROM organization_users WHERE id = ?1 AND organization_id = ?2`

export interface Removal {
  readonly meta: D1Meta
  readonly groupsRemoved: number
}

/** Writes the record, and gives the ID of it. */
export function prepareRecord(
  database: D1Database,
  { organizationID, userID }: Target,
  subject = 'nobody',
  requestID = 'none',
) {
  const id = crypto.randomUUID()
  const record = database
    .prepare(RECORD)
    .bind(id, subject, requestID, Date.now(), userID, organizationID)
  return { id, record }
}

export function prepareMemberships(database: D1Database, { organizationID, userID }: Target) {
  return database.prepare(MEMBERSHIPS).bind(userID, organizationID)
}

export function prepareUser(database: D1Database, { organizationID, userID }: Target) {
  return database.prepare(USER).bind(userID, organizationID)
}

/** Removes the user in one D1 batch, or gives undefined where there is no such user. */
export async function removeUser(
  database: D1Database,
  target: Target,
  subject?: string,
  requestID?: string,
): Promise<Removal | undefined> {
  const [record, memberships] = await database.batch([
    prepareRecord(database, target, subject, requestID).record,
    prepareMemberships(database, target),
    prepareUser(database, target),
  ])
  if (record?.meta.changes !== 1 || memberships === undefined) return undefined
  return { meta: memberships.meta, groupsRemoved: memberships.meta.changes }
}
