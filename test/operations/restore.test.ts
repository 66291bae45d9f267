/**
 * The SQL of docs/operations.md that restores users, as it stands there: what comes back, and that nothing else changes.
 */
import {
  type Arbitrary,
  array,
  assert,
  constant,
  constantFrom,
  integer,
  oneof,
  property,
  record,
  tuple,
} from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, type Row, type TestDatabase } from '../queries/database'
import { compare, readDatabase } from '../support/database'
import { call } from '../support/node/client'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'
import { createSeed, type MemberOptions } from '../../dev/seeder.ts'
import { readDocument } from './document'

const document = (await readDocument('docs/operations.md')).section('Restore users')
const [allOfActor, onePerson, restorable] = readBlocks('1. Choose')
const [show] = readBlocks('2. Look')
const [restore, restoreWithoutGroups] = readBlocks('3. Restore')
const [dropViews] = readBlocks('4. Look again')

function readBlocks(heading: string): string[] {
  return document.section(heading).code.map(({ text }) => text)
}

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_125)

/** Replaces a value of the document by one of the test. */
function replace(sql: string, value: string, by: string): string {
  expect(sql).toContain(value)
  return sql.replace(value, () => by)
}

/** The view of what one actor removed since a time in Unix milliseconds. */
function chooseSince(ms: number, actor = 'acme-hr-sync'): string {
  const since = replace(allOfActor!, "1000 * unixepoch('2026-11-25 08:00:00')", String(ms))
  return replace(since, "'acme-hr-sync'", `'${actor}'`)
}

describe('on D1', () => {
  let issuer: ServedIssuer
  let workers: LocalWorkers
  let db: D1Database

  beforeAll(async () => {
    issuer = await serveIssuer()
    workers = await startWorkers({
      identity: [
        { name: 'recording', vars: { ...issuer.vars, RECORD_GROUPS: 'true' } },
        { name: 'not-recording', vars: { ...issuer.vars } },
      ],
    })
    db = workers.db
    const seed = createSeed()
    seed.organization('acme')
    seed.organization('other')
    seed.group('acme', ['administrator'], 'administrators')
    for (const id of ['admins-2', 'deleted', 'moved']) seed.group('acme', [], id)
    seed.serviceAccount('acme', ['administrators'], 'acme-hr-sync')
    seed.serviceAccount('acme', ['administrators'], 'another')
    await seed.save(db)
  })

  afterAll(async () => {
    await workers.stop()
    await issuer.stop()
  })

  /** Runs statements as one transaction. */
  async function run(sql: string): Promise<Row[]> {
    const statements = sql.split(/;\s*$/m).filter((statement) => statement.trim() !== '')
    const results = await db.batch<Row>(statements.map((statement) => db.prepare(statement)))
    return results.at(-1)?.results ?? []
  }

  /** Adds a person and its user; the ID of the user is the subject, too. */
  async function add(id: string, options: MemberOptions = {}): Promise<void> {
    const seed = createSeed()
    seed.member('acme', { id, personOptions: { subject: id }, ...options })
    await seed.save(db)
  }

  async function remove(
    userID: string,
    actor = 'acme-hr-sync',
    status = 200,
    worker = 'recording',
  ): Promise<void> {
    const token = await issuer.token(actor)
    const target = { organizationID: 'acme', userID, token }
    expect((await call(workers.urlOf(worker), target)).status).toBe(status)
  }

  const readUser = (subject: string) =>
    db
      .prepare(
        `SELECT m.id, m.state, group_concat(g.group_id) AS groups FROM users u
         JOIN organization_users m ON m.user_id = u.id
         LEFT JOIN group_members g ON g.organization_user_id = m.id
         WHERE u.subject = ? GROUP BY m.id`,
      )
      .bind(subject)
      .all<Row>()
      .then(({ results }) => results)

  const showReasons = async () =>
    (await run(show!)).map(({ subject, skipped, groups_left }) => [subject, skipped, groups_left])

  const recordOf = (userID: string) =>
    db
      .prepare('SELECT id FROM user_deletions WHERE organization_user_id = ?')
      .bind(userID)
      .first<string>('id')

  async function invite(subject: string): Promise<void> {
    await db
      .prepare(
        `INSERT INTO organization_users SELECT ?, 'acme', id, 'pending' FROM users WHERE subject = ?
         ON CONFLICT (user_id, organization_id) DO NOTHING`,
      )
      .bind(`${subject}-again`, subject)
      .run()
  }

  test('everyone whom one actor removed comes back, and the others are listed', async () => {
    const since = Date.now()
    await add('bob', { groups: ['administrators', 'admins-2', 'deleted', 'moved'] })
    await add('cid', { state: 'pending' })
    await add('dan', { state: 'suspended', groups: ['admins-2'] })
    await add('back', { groups: ['administrators'] })
    await add('suspended')
    await add('gone')
    await add('unrecorded', { groups: ['admins-2'] })
    await add('not-by-actor', { groups: ['admins-2'] })
    await add('removed-again', { groups: ['admins-2'] })
    for (const id of ['bob', 'cid', 'dan', 'back', 'suspended', 'gone', 'removed-again']) {
      await remove(id)
    }
    await remove('unrecorded', 'acme-hr-sync', 200, 'not-recording')
    await remove('not-by-actor', 'another')
    await invite('back')
    await invite('removed-again')
    await remove('removed-again-again', 'another')
    await run(`
      DELETE FROM groups WHERE id IN ('deleted', 'moved');
      INSERT INTO groups VALUES ('moved', 'other', 'moved');
      UPDATE users SET state = 'suspended' WHERE subject = 'suspended';
      DELETE FROM users WHERE subject = 'gone'`)

    const before = await readDatabase(db)
    await run(`${chooseSince(since)}\n${restorable}`)
    expect(await showReasons()).toEqual([
      ['bob', null, 'administrators, admins-2'],
      ['cid', null, null],
      ['dan', null, 'admins-2'],
      ['unrecorded', 'the groups were not recorded', null],
      ['back', 'the person is back', 'administrators'],
      [null, 'the person is gone', null],
      ['suspended', 'the person is suspended', null],
    ])
    expect(compare(before, await readDatabase(db))).toEqual({ removed: {}, added: {} })

    await run(restore!)
    expect(await readUser('bob')).toEqual([
      { id: await recordOf('bob'), state: 'active', groups: 'administrators,admins-2' },
    ])
    expect(await readUser('cid')).toMatchObject([{ state: 'pending', groups: null }])
    expect(await readUser('dan')).toMatchObject([{ state: 'suspended', groups: 'admins-2' }])
    expect(await readUser('back')).toEqual([{ id: 'back-again', state: 'pending', groups: null }])
    for (const subject of ['suspended', 'unrecorded', 'not-by-actor', 'removed-again']) {
      expect(await readUser(subject)).toEqual([])
    }
    await remove('bob', 'another', 404)

    await db.prepare("DELETE FROM group_members WHERE group_id = 'administrators'").run()
    const afterwards = await readDatabase(db)
    await run(restore!)
    expect(compare(afterwards, await readDatabase(db))).toEqual({ removed: {}, added: {} })

    await run(restoreWithoutGroups!)
    expect(await readUser('unrecorded')).toMatchObject([{ state: 'active', groups: null }])
    expect((await showReasons()).filter(([, skipped]) => skipped === null)).toEqual([])
    await run(dropViews!)
  })

  test('one person comes back by the user ID that was deleted, and only by the latest', async () => {
    await add('acme-bob', { groups: ['admins-2'] })
    await add('somebody', { groups: ['admins-2'] })
    await remove('somebody')
    await remove('acme-bob', 'another')
    await run(`${onePerson}\n${restorable}`)
    await run(restore!)
    const id = await recordOf('acme-bob')
    expect(await readUser('acme-bob')).toEqual([{ id, state: 'active', groups: 'admins-2' }])
    expect(await readUser('somebody')).toEqual([])

    await remove(id!)
    expect(await run(show!)).toEqual([])
    await run(restore!)
    expect(await readUser('acme-bob')).toEqual([])
    await run(dropViews!)
  })

  test('a restore and an invitation at the same moment leave one user', async () => {
    const since = Date.now()
    const people = Array.from({ length: 40 }, (_, index) => `person-${index}`)
    for (const id of people) await add(id, { groups: ['admins-2'] })
    for (const id of people) await remove(id)
    await run(`${chooseSince(since)}\n${restorable}`)
    const first = people.slice(0, 20).map(invite)
    await Promise.all([...first, run(restore!), run(restore!), ...people.slice(20).map(invite)])
    const users = await Promise.all(people.map(readUser))
    const kinds = new Set(
      users.map((rows) => JSON.stringify(rows.map(({ state, groups }) => [state, groups]))),
    )
    kinds.delete('[["pending",null]]')
    kinds.delete('[["active","admins-2"]]')
    expect([...kinds]).toEqual([])
    await run(dropViews!)
  })
})

const person = constantFrom('p', 'q', 'r')
const organization = constantFrom('m', 'n')
const group = constantFrom('a', 'b', '"c\\', 'd\u0001', 'e')
const state = constantFrom('active', 'pending', 'suspended')

const removals = record({
  actor: constantFrom('x', 'y'),
  person,
  organization,
  isRecorded: oneof({ weight: 4, arbitrary: constant(true) }, constant(false)),
})
type Removal = typeof removals extends Arbitrary<infer T> ? T : never

/** What others do between a removal and its restoration, as SQL. */
const edits = oneof(
  tuple(person, organization, state).map(
    ([person, organization, state]) => `
      INSERT OR IGNORE INTO organization_users
      SELECT hex(randomblob(8)), o.id, u.id, '${state}' FROM users u, organizations o
      WHERE u.id = '${person}' AND o.id = '${organization}'`,
  ),
  tuple(person, group).map(
    ([person, group]) => `
      INSERT OR IGNORE INTO group_members SELECT g.organization_id, g.id, m.id
      FROM organization_users m JOIN groups g ON g.organization_id = m.organization_id
      WHERE m.user_id = '${person}' AND g.id <> '${group}'`,
  ),
  group.map((group) => `DELETE FROM group_roles WHERE group_id = '${group}'`),
  group.map((group) => `DELETE FROM groups WHERE id = '${group}'`),
  tuple(group, organization).map(
    ([group, organization]) => `
      DELETE FROM groups WHERE id = '${group}';
      INSERT INTO groups SELECT '${group}', id, '' FROM organizations WHERE id = '${organization}'`,
  ),
  tuple(person, state).map(
    ([person, state]) => `UPDATE users SET state = '${state}' WHERE id = '${person}'`,
  ),
  tuple(person, organization).map(
    ([person, organization]) => `
      DELETE FROM organizations WHERE id = '${organization}' AND '${person}' = 'p';
      DELETE FROM users WHERE id = '${person}'
      AND id NOT IN (SELECT user_id FROM organization_users)`,
  ),
)

/** A removal that was done: the state and the groups of the user at that moment. */
interface Taken extends Removal {
  readonly deletionID: string
  readonly deletedAt: number
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
    INSERT INTO users SELECT value, value, 'active' FROM json_each('["p", "q", "r"]');
    INSERT INTO organization_users SELECT o.id || u.id, o.id, u.id, 'active'
      FROM organizations o, users u;
    INSERT INTO group_members SELECT g.organization_id, g.id, m.id
      FROM organization_users m JOIN groups g ON g.organization_id = m.organization_id;
    INSERT INTO users VALUES ('x', 'x', 'active'), ('y', 'y', 'active');
    INSERT INTO global_role_bindings
      SELECT id, 'platform-administrator' FROM users WHERE id IN ('x', 'y')`)
  return db
}

/** Removes a person from an organization by the Worker's statements, if it is a user there. */
function remove(db: TestDatabase, removal: Removal, deletedAt: number): Taken[] {
  const { actor, person, organization, isRecorded } = removal
  const [user] = db.run(
    `SELECT id, state, (
       SELECT json_group_array(group_id) FROM group_members WHERE organization_user_id = id
     ) AS groups FROM organization_users WHERE user_id = ? AND organization_id = ?`,
    person,
    organization,
  )
  if (user === undefined) return []
  const { state, groups } = user
  const deletionID = `deletion-${deletedAt}`
  const report = db.callBatch({
    subject: actor,
    organizationID: organization,
    userID: String(user['id']),
    deletionID,
    deletedAt,
    recordGroups: isRecorded,
  })
  expect(report['outcome']).toBe('deleted')
  return [
    { ...removal, deletionID, deletedAt, state, groups: JSON.parse(String(groups)) as string[] },
  ]
}

/** The users and memberships that should come back, of those whom `x` removed since a time. */
function expectRestored(db: TestDatabase, taken: readonly Taken[], since: number) {
  const has = (sql: string, ...values: string[]) =>
    db.run(`SELECT 1 FROM ${sql}`, ...values).length > 0
  const latest = new Map(taken.map((each) => [each.person + each.organization, each]))
  const restored = [...latest.values()].filter(
    ({ actor, deletedAt, isRecorded, person, organization }) =>
      actor === 'x' &&
      deletedAt >= since &&
      isRecorded &&
      has("users WHERE id = ? AND state = 'active'", person) &&
      has('organizations WHERE id = ?', organization) &&
      !has('organization_users WHERE user_id = ? AND organization_id = ?', person, organization),
  )
  return {
    users: restored.map(({ deletionID, organization, person, state }) => ({
      id: deletionID,
      organization_id: organization,
      user_id: person,
      state,
    })),
    memberships: restored.flatMap(({ deletionID, organization, groups }) =>
      groups
        .filter((id) => has('groups WHERE id = ? AND organization_id = ?', id, organization))
        .map((group_id) => ({
          organization_id: organization,
          group_id,
          organization_user_id: deletionID,
        })),
    ),
    lostGroups: restored.flatMap(({ groups }) => groups).length,
  }
}

const readTable = (db: TestDatabase, table: string) => new Set(db.run(`SELECT * FROM ${table}`))
/** What no restoration may touch: with it a group grants what it granted before. */
const readOthers = (db: TestDatabase) =>
  ['users', 'organizations', 'groups', 'group_roles', 'role_permissions', 'user_deletions'].map(
    (table) => readTable(db, table),
  )

test('whatever others did since, the same states and groups come back, and nothing else', () => {
  const db = createOrganizations()
  const counts = { users: 0, memberships: 0, lostGroups: 0 }
  const steps = array(oneof(removals, edits), { minLength: 3, maxLength: 15, size: 'max' })
  const restores = property(steps, integer({ min: 0, max: 3 }), (steps, since) => {
    db.exec('BEGIN')
    try {
      const taken = steps.flatMap((step, time) => {
        if (typeof step !== 'string') return remove(db, step, time)
        db.exec(step)
        return []
      })
      const { users, memberships, lostGroups } = expectRestored(db, taken, since)
      const expected = {
        others: readOthers(db),
        users: readTable(db, 'organization_users').union(new Set(users)),
        memberships: readTable(db, 'group_members').union(new Set(memberships)),
      }
      db.exec(`${chooseSince(since, 'x')}\n${restorable}`)
      db.exec(restore!)

      expect(readOthers(db)).toEqual(expected.others)
      expect(readTable(db, 'organization_users')).toEqual(expected.users)
      expect(readTable(db, 'group_members')).toEqual(expected.memberships)
      expect(db.run('PRAGMA foreign_key_check')).toEqual([])

      db.exec('DELETE FROM group_members')
      db.exec(restore!)
      expect(readTable(db, 'organization_users')).toEqual(expected.users)
      expect(readTable(db, 'group_members')).toEqual(new Set())
      counts.users += users.length
      counts.memberships += memberships.length
      counts.lostGroups += lostGroups - memberships.length
    } finally {
      db.exec('ROLLBACK')
    }
  })
  assert(restores, { seed: SEED, numRuns: 500 })
  expect(Object.entries(counts).filter(([, count]) => count < 20)).toEqual([])
})

test('5,000 people whom one actor removed come back among 50,000 edits of others', () => {
  const db = createDatabase()
  const people = Array.from({ length: 30_000 }, (_, n) => `${n % 6 === 0 ? 'x' : 'y'}${n}`)
  db.run(
    `INSERT INTO users SELECT value, value, 'active' FROM json_each(?)`,
    JSON.stringify([...people, 'x', 'y']),
  )
  db.exec(`
    INSERT INTO global_role_bindings
      SELECT id, 'platform-administrator' FROM users WHERE id IN ('x', 'y');
    INSERT INTO organizations VALUES ('o', '');
    INSERT INTO groups VALUES ('a', 'o', ''), ('b', 'o', ''), ('c', 'o', '');
    INSERT INTO organization_users SELECT 'user-' || id, 'o', id,
      iif(id GLOB '*8', 'suspended', 'active') FROM users WHERE id NOT IN ('x', 'y');
    INSERT INTO group_members SELECT 'o', g.id, m.id FROM organization_users m, groups g
      WHERE (unicode(g.id) + unicode(substr(m.id, -1))) % 3;
    BEGIN`)
  const readMembers = () =>
    db.run(`SELECT user_id, state, (
      SELECT json_group_array(group_id) FROM group_members WHERE organization_user_id = m.id
    ) AS groups FROM organization_users m WHERE user_id GLOB 'x*' ORDER BY user_id`)
  const before = readMembers()
  for (const person of people) {
    const subject = person.charAt(0)
    const call = { subject, organizationID: 'o', userID: `user-${person}`, deletionID: person }
    expect(db.callBatch({ ...call, recordGroups: true })['outcome']).toBe('deleted')
    if (subject === 'x') continue
    db.run("INSERT INTO organization_users VALUES (?, 'o', ?, 'pending')", `2-${person}`, person)
  }
  db.exec(`COMMIT; ${chooseSince(0, 'x')}\n${restorable}; BEGIN; ${restore} COMMIT`)
  expect(before).toHaveLength(5_000)
  expect(readMembers()).toEqual(before)
  const others = db.run(
    `SELECT id FROM organization_users WHERE user_id GLOB 'y*' AND state = 'pending'
     AND id NOT IN (SELECT organization_user_id FROM group_members)`,
  )
  expect(others).toHaveLength(25_000)
})
