/**
 * Stands in for the Identity Worker, as long as it sends no events itself: makes the event of a deletion record, and sends
 * it through the binding that the Worker will use.
 */
import type { Stack } from '../../../dev/stack.ts'

/** Sends the event of a user's deletion. */
export async function sendEvent(stack: Stack, userID: string): Promise<void> {
  const record = await stack.database
    .prepare('SELECT * FROM user_deletions WHERE organization_user_id = ?')
    .bind(userID)
    .first()
  if (record === null) throw new Error(`${userID} has no deletion record`)
  const event = {
    specversion: '1.0',
    id: record['id'],
    type: 'dev.identity-worker.user.deleted',
    source: `/api/v1/organizations/${encodeURIComponent(String(record['organization_id']))}`,
    subject: userID,
    time: new Date(Number(record['deleted_at'])).toISOString(),
    datacontenttype: 'application/json',
    data: {
      organizationID: record['organization_id'],
      userID,
      personID: record['user_id'],
      actor: { kind: record['actor_kind'], subject: record['actor_subject'] },
      groupsRemoved: record['groups_removed'],
      requestID: record['request_id'],
    },
  }
  await stack.events?.send(event)
}
