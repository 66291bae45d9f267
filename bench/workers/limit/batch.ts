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

const REPORT = `SELECT 'deleted' AS outcome, groups_removed FROM user_deletions WHERE id = ?1`

export interface Removal {
  readonly meta: D1Meta
  readonly groupsRemoved: number
}

/** The three statements, and one that reads the record back. */
export function prepareStatements(
  database: D1Database,
  { organizationID, userID }: Target,
  subject = 'nobody',
  requestID = 'none',
) {
  const id = crypto.randomUUID()
  return {
    record: database
      .prepare(RECORD)
      .bind(id, subject, requestID, Date.now(), userID, organizationID),
    memberships: database.prepare(MEMBERSHIPS).bind(userID, organizationID),
    user: database.prepare(USER).bind(userID, organizationID),
    report: database.prepare(REPORT).bind(id),
  }
}

/** Removes the user in one D1 batch, or gives undefined where there is no such user. */
export async function removeUser(
  database: D1Database,
  target: Target,
  subject?: string,
  requestID?: string,
): Promise<Removal | undefined> {
  const { record, memberships, user } = prepareStatements(database, target, subject, requestID)
  const results = await database.batch([record, memberships, user])
  const [written, removed] = results
  if (written?.meta.changes !== 1 || removed === undefined) return undefined
  return { meta: removed.meta, groupsRemoved: removed.meta.changes }
}
