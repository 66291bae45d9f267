/**
 * Recorded groups under D1's limit of 2 MB for a text and for a row. Local D1 does not enforce it; Node's SQLite does here.
 */
import { expect, test } from 'vitest'
import { createDatabase } from './database'

const MAX_BYTES = 2_000_000
const ESCAPE = '\u001b'

function createUser(groupIDs: readonly string[], organization_id: string) {
  const db = createDatabase(MAX_BYTES)
  for (const id of ['caller', 'person']) db.insert('users', { id, subject: id, state: 'active' })
  db.insert('global_role_bindings', { user_id: 'caller', role_id: 'platform-administrator' })
  db.insert('organizations', { id: organization_id, name: '' })
  const user = { organization_id, user_id: 'person', state: 'active' }
  db.insert('organization_users', { id: 'user', ...user })
  for (const group_id of groupIDs) {
    db.insert('groups', { id: group_id, organization_id, name: '' })
    db.insert('group_members', { organization_id, group_id, organization_user_id: 'user' })
  }
  return db
}

/** Deletes a user in these groups with RECORD_GROUPS, and returns the list in the record. */
function deleteAndRecord(groupIDs: readonly string[], organizationID = 'o') {
  const db = createUser(groupIDs, organizationID)
  const call = { subject: 'caller', organizationID, userID: 'user', recordGroups: true }
  expect(db.callBatch(call)).toMatchObject({ outcome: 'deleted', groupsRemoved: groupIDs.length })
  expect(db.run('SELECT id FROM organization_users')).toEqual([])
  const [record] = db.run('SELECT member_state, group_ids FROM user_deletions')
  expect(record).toMatchObject({ member_state: 'active' })
  return record?.['group_ids']
}

/** IDs that take a number of bytes as a JSON list. */
function fillList(bytes: number): string[] {
  const ids = ['a', 'b', 'c'].map((text) => text.repeat(249_000))
  return [...ids, 'd'.repeat(bytes - JSON.stringify([...ids, '']).length)]
}

const manyIDs = (count: number) =>
  Array.from({ length: count }, (_, index) => `${index}`.padStart(36, '0'))

test.each([
  ['1,000,000 bytes', fillList(1_000_000)],
  ['25,000 groups', manyIDs(25_000)],
  ['an ID of 100,000 control characters', [ESCAPE.repeat(100_000)]],
])('records a list of %s', (_, groupIDs) => {
  expect(deleteAndRecord(groupIDs) === JSON.stringify(groupIDs)).toBe(true)
})

test.each<[string, string[], string?]>([
  ['1,000,001 bytes', fillList(1_000_001)],
  ['more than 2 MB, of many groups', manyIDs(60_000)],
  ['more than 2 MB, of few groups', 'abcdefg'.split('').map((text) => text.repeat(290_000))],
  ['an ID of 450,000 control characters', [ESCAPE.repeat(450_000)]],
  ['an ID of 300,000 control characters', [ESCAPE.repeat(300_000)]],
  ['IDs whose quotes are escaped', ['"'.repeat(300_000), '"'.repeat(299_999)]],
  ['900,000 bytes beside an organization ID of 1.5 MB', fillList(900_000), 'o'.repeat(1_500_000)],
])('records null for a list of %s, and deletes the user', (_, groupIDs, organizationID) => {
  expect(deleteAndRecord(groupIDs, organizationID) === null).toBe(true)
})

test('the limit is enforced here: a statement fails on the list alone', () => {
  const db = createUser(manyIDs(60_000), 'o')
  expect(() => db.run('SELECT json_group_array(group_id) FROM group_members')).toThrow(
    'string or blob too big',
  )
})
