/**
 * Recorded groups under D1's limit of 2 MB for a text and for a row, which local D1 does not enforce: here SQLite does. A
 * user can be deleted whatever groups it is in; a list that does not fit is null.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { deleteMemberships, deleteUser, recordDeletion, reportOutcome } from '../../src/statements'

const MAX_BYTES = 2_000_000
const ESCAPE = '\u001b'

/** A migrated database with a platform administrator and a user in groups with these IDs. */
function createDatabase(groupIDs: readonly string[], { organizationID = 'o', userID = 'u' } = {}) {
  const db = new DatabaseSync(':memory:', { limits: { length: MAX_BYTES } })
  for (const file of readdirSync('migrations').toSorted()) {
    db.exec(readFileSync(join('migrations', file), 'utf8'))
  }
  db.exec("INSERT INTO users VALUES ('p', 'caller', 'active'), ('q', 'other', 'active')")
  db.exec("INSERT INTO global_role_bindings VALUES ('p', 'platform-administrator')")
  db.prepare("INSERT INTO organizations VALUES (?, '')").run(organizationID)
  db.prepare("INSERT INTO organization_users VALUES (?, ?, 'q', 'active')").run(
    userID,
    organizationID,
  )
  const group = db.prepare("INSERT INTO groups VALUES (?, ?, '')")
  const membership = db.prepare('INSERT INTO group_members VALUES (?, ?, ?)')
  for (const id of groupIDs) {
    group.run(id, organizationID)
    membership.run(organizationID, id, userID)
  }
  return db
}

/** Deletes the user with RECORD_GROUPS, and returns what the record holds. */
function deleteAndRecord(groupIDs: readonly string[], ids?: Parameters<typeof createDatabase>[1]) {
  const db = createDatabase(groupIDs, ids)
  const values = {
    deletionID: 'd',
    subject: 'caller',
    requestID: 'r',
    idempotencyKey: null,
    deletedAt: 1,
    organizationID: ids?.organizationID ?? 'o',
    userID: ids?.userID ?? 'u',
    membersMayLeave: 0,
    recordGroups: 1,
  }
  const batch = [recordDeletion, deleteMemberships, deleteUser, reportOutcome]
  const rows = batch.map(({ sql, names }) => db.prepare(sql).all(...names.map((n) => values[n])))
  expect(rows.at(-1)).toMatchObject([{ outcome: 'deleted', groupsRemoved: groupIDs.length }])
  expect(db.prepare('SELECT count(*) AS users FROM organization_users').get()).toEqual({ users: 0 })
  const record = db.prepare('SELECT member_state, group_ids FROM user_deletions').get()
  expect(record).toMatchObject({ member_state: 'active' })
  return record?.['group_ids']
}

/** IDs that take so many bytes as a JSON list. */
function fillList(bytes: number): string[] {
  const ids = ['a', 'b', 'c'].map((text) => text.repeat(249_000))
  return [...ids, 'd'.repeat(bytes - JSON.stringify([...ids, '']).length)]
}

const manyIDs = (count: number) =>
  Array.from({ length: count }, (_, index) => `${index}`.padStart(36, '0'))

test.each([
  ['1,000,000 bytes', fillList(1_000_000)],
  ['many groups', manyIDs(25_000)],
  ['an ID of 100,000 control characters', [ESCAPE.repeat(100_000)]],
])('a list of %s is recorded', (_, groupIDs) => {
  expect(deleteAndRecord(groupIDs) === JSON.stringify(groupIDs)).toBe(true)
})

test.each([
  ['1,000,001 bytes', fillList(1_000_001), {}],
  ['more than 2 MB, of many groups', manyIDs(60_000), {}],
  ['more than 2 MB, of few groups', Array.from('abcdef').map((text) => text.repeat(290_000)), {}],
  ['an ID of 450,000 control characters', [ESCAPE.repeat(450_000)], {}],
  ['an ID of 300,000 control characters', [ESCAPE.repeat(300_000)], {}],
  ['an ID of 300,000 quotes', ['"'.repeat(300_000), '"'.repeat(299_999)], {}],
  [
    'IDs that leave no space in the record',
    ['a'.repeat(290_000)],
    { organizationID: 'o'.repeat(1_600_000) },
  ],
])('a list of %s is null, and the user is deleted', (_, groupIDs, ids) => {
  expect(deleteAndRecord(groupIDs, ids) === null).toBe(true)
})

test('the limit is enforced here: the list alone is too big for a statement', () => {
  const db = createDatabase(manyIDs(60_000))
  const list = db.prepare('SELECT json_group_array(group_id) FROM group_members')
  expect(() => list.all()).toThrow('string or blob too big')
})
