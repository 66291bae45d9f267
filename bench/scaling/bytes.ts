/** How many bytes the rows take on disk, indexes and half-full pages included: by filling a database and looking. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { applyMigrations, openForFilling } from '../rig/database.ts'
import { fillWorld } from '../rig/world.ts'

const USERS = 200_000

export interface RowBytes {
  /** A person, its user record in one organization, and its membership in one group. */
  readonly user: number
  /** One more membership of a user. */
  readonly membership: number
  /** The record of a deletion. */
  readonly record: number
}

export function measureBytes(): RowBytes {
  const folder = mkdtempSync(join(tmpdir(), 'bench-bytes-'))
  try {
    const database = openForFilling(join(folder, 'bytes.sqlite'))
    applyMigrations(database)
    const empty = sizeOf(database)
    fillWorld(database, USERS, 0)
    const filled = sizeOf(database)
    database.exec(`INSERT INTO group_members
      SELECT organization_id, replace(group_id, '-0005-', '-0006-'), organization_user_id
      FROM group_members WHERE group_id LIKE '%-0005-%'`)
    const inTwoGroups = sizeOf(database)
    database.exec(`INSERT INTO user_deletions
      SELECT printf('%08x-%04x-7000-8000-%012x', row_number() OVER () / 65536,
          row_number() OVER () % 65536, abs(random()) % 281474976710656),
        organization_id, id, user_id, 'user', 'auth0|5f7c8ec7c33c6c004bbafe82', 1,
        '7d444840-9dc0-41d1-b245-5ffdce74fad2', NULL, 1795600000000
      FROM organization_users LIMIT ${USERS}`)
    const withRecords = sizeOf(database)
    database.close()
    return {
      user: (filled - empty) / USERS,
      membership: (inTwoGroups - filled) / USERS,
      record: (withRecords - inTwoGroups) / USERS,
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function sizeOf(database: DatabaseSync): number {
  const { bytes } = database
    .prepare('SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size')
    .get() as { bytes: number }
  return bytes
}
