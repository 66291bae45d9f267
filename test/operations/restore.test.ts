/**
 * docs/operations.md, "Restore users": the SQL restores what it says, and changes nothing else.
 */
import { array, assert, constantFrom, integer, oneof, property, record, tuple } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSeed, type MemberOptions } from '../../dev/seeder.ts'
import { createDatabase, type TestDatabase } from '../queries/database'
import { compare, readDatabase } from '../support/database'
import { call } from '../support/node/client'
import { readDocument } from './document'
import { createHarness } from './harness'

const page = (await readDocument('docs/operations.md')).section('Restore users')
const choose = page.section('1. Choose')
const [allOfActor = '', restorable = ''] = choose.code.map(({ text }) => text)
const [show = ''] = readBlocks('2. Look')
const [restore = '', restoreWithoutGroups = ''] = readBlocks('3. Restore')
const [dropViews = ''] = readBlocks('4. Look again')
const SINCE = "deleted_at >= 1000 * unixepoch('2026-11-25 08:00:00')"
const ACTOR = "actor_subject = 'acme-hr-sync'"

function readBlocks(heading: string): string[] {
  return page.section(heading).code.map(({ text }) => text)
}

/** The views for other conditions on the time and the actor than those of the page. */
function createViews(since: string, actor = ACTOR): string {
  expect(allOfActor.split(SINCE).length + allOfActor.split(ACTOR).length).toBe(4)
  return `${allOfActor.replace(SINCE, () => since).replace(ACTOR, () => actor)}\n${restorable}`
}

describe('on D1', async () => {
  const { issuer, workers, db, run } = await createHarness(() => [
    { name: 'recording', vars: { RECORD_GROUPS: 'true' } },
    { name: 'not-recording' },
  ])
  const seed = createSeed()
  seed.organization('acme')
  seed.organization('other')
  seed.group('acme', ['administrator'], 'administrators')
  for (const id of ['admins-2', 'deleted', 'moved']) seed.group('acme', [], id)
  seed.serviceAccount('acme', ['administrators'], 'acme-hr-sync')
  seed.serviceAccount('acme', ['administrators'], 'another')
  await seed.save(db)

  /** Adds a person and its user, whose ID is also the subject. */
  async function add(id: string, options: MemberOptions = {}): Promise<void> {
    seed.member('acme', { id, personOptions: { subject: id }, ...options })
    await seed.save(db)
  }

  async function remove(userID: string, actor = 'acme-hr-sync', worker = 'recording') {
    const token = await issuer.token(actor)
    return (await call(workers.urlOf(worker), { organizationID: 'acme', userID, token })).status
  }

  const invite = (subject: string) =>
    run(`INSERT INTO organization_users
         SELECT subject || '-again', 'acme', id, 'pending' FROM users WHERE subject = '${subject}'`)

  /** The users, whether their ID is that of a deletion record, their state and their groups. */
  const readUsers = async () => {
    const users = await run(
      `SELECT u.subject, m.id IN (SELECT id FROM user_deletions) AS isRestored, m.state,
         group_concat(g.group_id) AS groups
       FROM organization_users m JOIN users u ON u.id = m.user_id
       LEFT JOIN group_members g ON g.organization_user_id = m.id
       GROUP BY m.id ORDER BY u.subject`,
    )
    return users.map((user) => Object.values(user))
  }

  test('restores all that one actor removed, and lists the others with the reason', async () => {
    const since = Date.now()
    await add('bob', { groups: ['administrators', 'admins-2', 'deleted', 'moved'] })
    await add('cid', { state: 'pending' })
    await add('dan', { state: 'suspended', groups: ['admins-2'] })
    await add('back', { groups: ['administrators'] })
    for (const id of ['suspended', 'gone', 'unrecorded', 'not-by-actor', 'twice']) await add(id)
    for (const id of ['bob', 'cid', 'dan', 'back', 'suspended', 'gone', 'twice']) {
      expect(await remove(id)).toBe(200)
    }
    expect(await remove('unrecorded', 'acme-hr-sync', 'not-recording')).toBe(200)
    expect(await remove('not-by-actor', 'another')).toBe(200)
    await invite('back')
    await invite('twice')
    expect(await remove('twice-again', 'another')).toBe(200)
    await run(`
      DELETE FROM groups WHERE id IN ('deleted', 'moved');
      INSERT INTO groups VALUES ('moved', 'other', 'moved');
      UPDATE users SET state = 'suspended' WHERE subject = 'suspended';
      DELETE FROM users WHERE subject = 'gone'`)

    const before = await readDatabase(db)
    await run(createViews(`deleted_at >= ${since}`))
    const readReasons = async () =>
      (await run(show)).map(({ subject, skipped, groups_left }) => [subject, skipped, groups_left])
    expect(await readReasons()).toEqual([
      ['bob', null, 'administrators, admins-2'],
      ['cid', null, null],
      ['dan', null, 'admins-2'],
      ['unrecorded', 'the groups were not recorded', null],
      ['back', 'the person is back', 'administrators'],
      [null, 'the person is gone', null],
      ['suspended', 'the person is suspended', null],
    ])
    expect(compare(before, await readDatabase(db))).toEqual({ removed: {}, added: {} })

    await run(restore)
    const restored = [
      ['back', 0, 'pending', null],
      ['bob', 1, 'active', 'administrators,admins-2'],
      ['cid', 1, 'pending', null],
      ['dan', 1, 'suspended', 'admins-2'],
    ]
    expect(await readUsers()).toEqual(restored)
    expect(await remove('bob', 'another')).toBe(404)

    await run(restoreWithoutGroups)
    expect(await readUsers()).toEqual([...restored, ['unrecorded', 1, 'active', null]])
    expect((await readReasons()).filter(([, skipped]) => skipped === null)).toEqual([])
    await run(dropViews)
  })

  test('restores one person by the deleted user ID, and only the latest one', async () => {
    const [, since = '', actor = ''] = /by `(.+?)`,\s.+ by `(.+?)`/.exec(choose.text) ?? []
    await add('acme-bob', { groups: ['admins-2'] })
    await add('another-person')
    await remove('another-person')
    await remove('acme-bob')
    const before = await readUsers()
    await run(createViews(since, actor))
    await run(restore)
    expect(await readUsers()).toEqual([['acme-bob', 1, 'active', 'admins-2'], ...before])

    const [record] = await run(
      "SELECT id FROM user_deletions WHERE organization_user_id = 'acme-bob'",
    )
    await remove(String(record?.['id']))
    expect(await run(show)).toEqual([])
    await run(restore)
    expect(await readUsers()).toEqual(before)
  })
})

const person = constantFrom('p', 'q', 'r')
const organization = constantFrom('m', 'n')
const group = constantFrom('a', 'b', '"c\\', 'd\u0001', 'e')
const state = constantFrom('active', 'pending', 'suspended')

/** A removal. `isRecorded`: with RECORD_GROUPS. */
interface Removal {
  readonly actor: string
  readonly person: string
  readonly organization: string
  readonly isRecorded: boolean
}

const removals = record<Removal>({
  actor: constantFrom('x', 'y'),
  person,
  organization,
  isRecorded: constantFrom(true, true, true, true, false),
})

/** What others do between a removal and its restoration, as SQL. */
const edits = tuple(person, organization, group, state, integer({ min: 0, max: 5 })).map(
  ([person, organization, group, state, kind]) =>
    [
      `INSERT OR IGNORE INTO organization_users
       SELECT hex(randomblob(8)), o.id, u.id, '${state}' FROM users u, organizations o
       WHERE u.id = '${person}' AND o.id = '${organization}'`,
      `INSERT OR IGNORE INTO group_members SELECT g.organization_id, g.id, m.id
       FROM organization_users m JOIN groups g ON g.organization_id = m.organization_id
       WHERE m.user_id = '${person}' AND g.id <> '${group}'`,
      `DELETE FROM groups WHERE id = '${group}'`,
      `DELETE FROM groups WHERE id = '${group}';
       INSERT INTO groups SELECT '${group}', id, '' FROM organizations WHERE id = '${organization}'`,
      `UPDATE users SET state = '${state}' WHERE id = '${person}'`,
      `DELETE FROM organizations WHERE id = '${organization}' AND '${person}' = 'p';
       DELETE FROM users WHERE id = '${person}'
       AND id NOT IN (SELECT user_id FROM organization_users)`,
    ][kind]!,
)

/** A removal that happened, with the state and the groups of the user before it. */
interface Removed extends Removal {
  readonly time: number
  readonly state: unknown
  readonly groups: readonly string[]
}

function createOrganizations(): TestDatabase {
  const db = createDatabase()
  db.exec(`
    INSERT INTO organizations VALUES ('m', ''), ('n', '');
    INSERT INTO groups VALUES
      ('a', 'm', ''), ('b', 'm', ''), ('"c\\', 'm', ''), ('d' || char(1), 'n', ''), ('e', 'n', '');
    INSERT INTO group_roles SELECT id, 'administrator' FROM groups;
    INSERT INTO users SELECT value, value, 'active' FROM json_each('["p", "q", "r", "x", "y"]');
    INSERT INTO organization_users SELECT o.id || u.id, o.id, u.id, 'active'
      FROM organizations o, users u WHERE u.id IN ('p', 'q', 'r');
    INSERT INTO group_members SELECT g.organization_id, g.id, m.id
      FROM organization_users m JOIN groups g ON g.organization_id = m.organization_id;
    INSERT INTO global_role_bindings
      SELECT id, 'platform-administrator' FROM users WHERE id IN ('x', 'y')`)
  return db
}

/** Removes a person from an organization by the Worker's statements, if it is a user there. */
function remove(db: TestDatabase, removal: Removal, time: number): Removed | undefined {
  const { actor, person, organization, isRecorded } = removal
  const [user] = db.run(
    `SELECT id, state, (
       SELECT json_group_array(group_id) FROM group_members WHERE organization_user_id = id
     ) AS groups FROM organization_users WHERE user_id = ? AND organization_id = ?`,
    person,
    organization,
  )
  if (user === undefined) return undefined
  const report = db.callBatch({
    subject: actor,
    organizationID: organization,
    userID: String(user['id']),
    deletionID: String(time),
    deletedAt: time,
    recordGroups: isRecorded,
  })
  expect(report['outcome']).toBe('deleted')
  return {
    ...removal,
    time,
    state: user['state'],
    groups: JSON.parse(String(user['groups'])) as string[],
  }
}

const readTable = (db: TestDatabase, table: string) => new Set(db.run(`SELECT * FROM ${table}`))

/** The tables that no restoration may change. */
const readOthers = (db: TestDatabase) =>
  ['users', 'organizations', 'groups', 'group_roles', 'user_deletions'].map((table) =>
    readTable(db, table),
  )

test('restores the same states and groups after any edits, and nothing else', () => {
  const db = createOrganizations()
  const has = (sql: string, ...values: string[]) =>
    db.run(`SELECT 1 FROM ${sql}`, ...values).length > 0
  const counts = { users: 0, memberships: 0, lostGroups: 0 }
  const steps = array(oneof(removals, edits), { minLength: 3, maxLength: 15, size: 'max' })
  const restores = property(steps, integer({ min: 0, max: 3 }), (steps, since) => {
    db.exec('BEGIN')
    try {
      const latest = new Map<string, Removed>()
      for (const [time, step] of steps.entries()) {
        if (typeof step === 'string') {
          db.exec(step)
          continue
        }
        const removed = remove(db, step, time)
        if (removed !== undefined) latest.set(step.person + step.organization, removed)
      }
      const restored = [...latest.values()].filter(
        ({ actor, time, isRecorded, person, organization }) =>
          actor === 'x' &&
          time >= since &&
          isRecorded &&
          has("users WHERE id = ? AND state = 'active'", person) &&
          has('organizations WHERE id = ?', organization) &&
          !has(
            'organization_users WHERE user_id = ? AND organization_id = ?',
            person,
            organization,
          ),
      )
      const users = restored.map(({ time, organization, person, state }) => {
        return { id: String(time), organization_id: organization, user_id: person, state }
      })
      const memberships = restored.flatMap(({ time, organization, groups }) =>
        groups
          .filter((id) => has('groups WHERE id = ? AND organization_id = ?', id, organization))
          .map((group_id) => {
            return { organization_id: organization, group_id, organization_user_id: String(time) }
          }),
      )
      const expectedUsers = readTable(db, 'organization_users').union(new Set(users))
      const expectedMemberships = readTable(db, 'group_members').union(new Set(memberships))
      const others = readOthers(db)
      db.exec(createViews(`deleted_at >= ${since}`, "actor_subject = 'x'"))
      db.exec(restore)

      expect(readOthers(db)).toEqual(others)
      expect(readTable(db, 'organization_users')).toEqual(expectedUsers)
      expect(readTable(db, 'group_members')).toEqual(expectedMemberships)
      expect(db.run('PRAGMA foreign_key_check')).toEqual([])

      db.exec('DELETE FROM group_members')
      db.exec(restore)
      expect(readTable(db, 'organization_users')).toEqual(expectedUsers)
      expect(readTable(db, 'group_members')).toEqual(new Set())
      counts.users += users.length
      counts.memberships += memberships.length
      counts.lostGroups += restored.flatMap(({ groups }) => groups).length - memberships.length
    } finally {
      db.exec('ROLLBACK')
    }
  })
  assert(restores, { seed: Number(process.env['FUZZ_SEED'] ?? 20_261_125), numRuns: 500 })
  expect(Object.entries(counts).filter(([, count]) => count < 20)).toEqual([])
})
