/**
 * Deletion records of the past, as the Worker would have written them.
 */
import { createSeed } from '../../dev/seeder.ts'

/** The ID of a record that was made at a time, in Unix milliseconds. */
export function recordID(time: number): string {
  const digits = time.toString(16).padStart(12, '0')
  return `${digits.slice(0, 8)}-${digits.slice(8)}-7${crypto.randomUUID().slice(15)}`
}

/** Adds a record. */
export async function addRecord(db: D1Database, id: string, hasKey = false): Promise<void> {
  const seed = createSeed()
  seed.row('user_deletions', {
    id,
    organization_id: 'o',
    organization_user_id: id,
    user_id: 'u',
    actor_kind: 'user',
    actor_subject: 's',
    groups_removed: 0,
    request_id: 'r',
    idempotency_key: hasKey ? 'k' : null,
    deleted_at: Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16),
  })
  await seed.save(db)
}
