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

/** The three statements, and the ID of the record that they write. */
function prepareStatements(
  database: D1Database,
  { organizationID, userID }: Target,
  subject: string,
  requestID: string,
) {
  const id = crypto.randomUUID()
  const statements = [
    database.prepare(RECORD).bind(id, subject, requestID, Date.now(), userID, organizationID),
    database.prepare(MEMBERSHIPS).bind(userID, organizationID),
    database.prepare(USER).bind(userID, organizationID),
  ]
  return { id, statements }
}

/** Removes the user in one D1 batch, or gives undefined where there is no such user. */
export async function removeUser(
  database: D1Database,
  target: Target,
  subject: string,
  requestID: string,
): Promise<Removal | undefined> {
  const { statements } = prepareStatements(database, target, subject, requestID)
  const [record, memberships] = await database.batch(statements)
  if (record?.meta.changes !== 1 || memberships === undefined) return undefined
  return { meta: memberships.meta, groupsRemoved: memberships.meta.changes }
}

/** The same with one statement more, which reads the record back: whether there is one. */
export async function removeUserAndReport(
  database: D1Database,
  target: Target,
  subject: string,
  requestID: string,
): Promise<boolean> {
  const { id, statements } = prepareStatements(database, target, subject, requestID)
  const results = await database.batch([...statements, database.prepare(REPORT).bind(id)])
  return results.at(-1)?.results.length === 1
}
