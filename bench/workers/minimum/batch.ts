/**
 * The barest correct batch: a user, its memberships and the deletion record in one transaction. It decides nothing. A
 * user who does not exist leaves no record. As a Worker: without token and log line.
 */
import { type Env, readTarget, type Target } from './parts.ts'

const RECORD = `INSERT INTO user_deletions (id, organization_id, organization_user_id, user_id, actor_kind,
    actor_subject, groups_removed, request_id, idempotency_key, deleted_at)
  SELECT ?1, organization_id, id, user_id, 'user', ?2,
    (SELECT count(*) FROM group_members WHERE organization_user_id = ?5), ?3, NULL, ?4
  FROM organization_users WHERE id = ?5 AND organization_id = ?6`

const MEMBERSHIPS = `DELETE FROM group_members WHERE organization_user_id = ?1 AND organization_id = ?2`

const USER = `DELETE FROM organization_users WHERE id = ?1 AND organization_id = ?2`

/** Deletes the user in one D1 batch; undefined if there is no such user. */
export async function deleteUser(
  database: D1Database,
  { organizationID, userID }: Target,
  subject = 'unknown',
  requestID = 'none',
): Promise<{ meta: D1Meta; groupsRemoved: number } | undefined> {
  const id = crypto.randomUUID()
  const [record, memberships] = await database.batch([
    database.prepare(RECORD).bind(id, subject, requestID, Date.now(), userID, organizationID),
    database.prepare(MEMBERSHIPS).bind(userID, organizationID),
    database.prepare(USER).bind(userID, organizationID),
  ])
  if (record?.meta.changes !== 1 || memberships === undefined) return undefined
  return { meta: memberships.meta, groupsRemoved: memberships.meta.changes }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const deletion = await deleteUser(env.DB, readTarget(request))
    return new Response(null, { status: deletion === undefined ? 404 : 200 })
  },
}
