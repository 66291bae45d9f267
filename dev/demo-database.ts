/**
 * What the database holds at one moment of the demonstration: the rows of one user, the number of deletion records, and
 * everything else as one text that can be compared.
 */
import type { Database } from './local-workers.ts'

/** The database, seen from one user of an organization. */
export interface Snapshot {
  /** 1 while the user's record is there. */
  readonly users: number
  /** Its group memberships. */
  readonly groups: number
  /** All deletion records. */
  readonly records: number
  /** All other rows of all other tables. */
  readonly rest: string
}

const OTHER_TABLES = [
  'organizations',
  'users',
  'groups',
  'service_accounts',
  'group_service_accounts',
  'roles',
  'role_permissions',
  'group_roles',
  'global_role_bindings',
]

/** Takes a snapshot in one transaction. */
export async function takeSnapshot(database: Database, userID: string): Promise<Snapshot> {
  const one = (sql: string) => database.prepare(sql).bind(userID)
  const [users, groups, records, ...rest] = await database.batch([
    one('SELECT id FROM organization_users WHERE id = ?'),
    one('SELECT group_id FROM group_members WHERE organization_user_id = ?'),
    database.prepare('SELECT id FROM user_deletions'),
    one('SELECT * FROM organization_users WHERE id <> ? ORDER BY id'),
    one('SELECT * FROM group_members WHERE organization_user_id <> ? ORDER BY 1, 2, 3'),
    ...OTHER_TABLES.map((table) => database.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`)),
  ])
  return {
    users: users?.results.length ?? 0,
    groups: groups?.results.length ?? 0,
    records: records?.results.length ?? 0,
    rest: JSON.stringify(rest.map(({ results }) => results)),
  }
}
