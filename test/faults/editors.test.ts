/**
 * Deletions while another Worker edits the groups of the same organizations in the same D1, thousands of times in a random
 * order from a seed. Afterwards each membership has its user, no edit is lost, and each record counts the memberships of
 * its user.
 */
import { integer, sample, shuffledSubarray } from 'fast-check'
import pMap from 'p-map'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSeed, type Member } from '../../dev/seeder.ts'
import { call } from '../support/node/client'
import { startIdentity } from './harness/start'

const SEED = 20_261_125
const ORGANIZATIONS = 20
const GROUPS = 6
/** Of each organization; half of them are deleted. */
const USERS = 40
const EDITS_PER_USER = 6
const CONCURRENCY = 32

/** `RETURNING` and the list give the users that an edit changed. */
const JOIN = `INSERT INTO group_members (organization_id, group_id, organization_user_id)
  VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING RETURNING organization_user_id AS id`
const LEAVE = `DELETE FROM group_members WHERE organization_id = ?1 AND group_id = ?2
  AND organization_user_id = ?3 RETURNING organization_user_id AS id`
const LIST = 'SELECT organization_user_id AS id FROM group_members WHERE group_id = ?1'
const DELETE_GROUP = 'DELETE FROM groups WHERE id = ?1'

const workers = await startIdentity()
const { db, issuer } = workers
afterAll(() => workers.stop())

/** A user whose groups are edited. */
interface EditedUser extends Member {
  /** Whether it is deleted during the edits. */
  readonly isDeleted: boolean
  /** By group: 1 if it is a member after all edits. Responses can come in any order, so changes are added up. */
  readonly memberships: Map<string, number>
}

const users = new Map<string, EditedUser>()
/** The groups that are deleted, from before the edit is sent. */
const deletedGroups = new Set<string>()
/** How many edits found their user or group gone. */
let missed = 0

function count({ memberships }: EditedUser, groupID: string, change: number): void {
  memberships.set(groupID, (memberships.get(groupID) ?? 0) + change)
}

async function editMembership(user: EditedUser, groupID: string, joins: boolean): Promise<void> {
  const { organizationID, userID, isDeleted } = user
  const edit = db.prepare(joins ? JOIN : LEAVE).bind(organizationID, groupID, userID)
  try {
    const { results } = await edit.all()
    if (results.length > 0) count(user, groupID, joins ? 1 : -1)
  } catch (error) {
    const isMissing = String(error).includes('FOREIGN KEY constraint failed')
    if (!isMissing || !(isDeleted || deletedGroups.has(groupID))) throw error
    missed += 1
  }
}

async function deleteGroup(groupID: string): Promise<void> {
  deletedGroups.add(groupID)
  const edit = [LIST, DELETE_GROUP].map((sql) => db.prepare(sql).bind(groupID))
  const [left] = await db.batch<{ id: string }>(edit)
  for (const { id } of left?.results ?? []) count(users.get(id)!, groupID, -1)
}

const draw = (limit: number, seed: number): number[] =>
  sample(integer({ min: 0, max: limit - 1 }), { seed, numRuns: EDITS_PER_USER, unbiased: true })

/** Steps in their order; steps of other lanes run in between. */
type Lane = (() => Promise<void>)[]

async function planOrganization(): Promise<Lane[]> {
  const seed = createSeed()
  const organizationID = seed.organization()
  const administrators = seed.group(organizationID, ['administrator'])
  const { person } = seed.member(organizationID, { groups: [administrators] })
  const groups = Array.from({ length: GROUPS }, () => seed.group(organizationID, ['reader']))
  const token = await issuer.token(person.subject)
  const lanes: Lane[] = [[() => deleteGroup(groups[0]!)]]
  for (let index = 0; index < USERS; index += 1) {
    const isDeleted = index % 2 === 0
    const member = seed.member(organizationID)
    const user = { ...member, isDeleted, memberships: new Map<string, number>() }
    const joins = draw(3, SEED + users.size)
    const chosen = draw(GROUPS, SEED - users.size)
    users.set(user.userID, user)
    lanes.push(
      chosen.map((group, turn) => () => editMembership(user, groups[group]!, joins[turn] !== 0)),
    )
    if (!isDeleted) continue
    lanes.push([
      async () => {
        const sent = { organizationID, userID: user.userID, token }
        expect((await call(workers.url, sent)).status).toBe(200)
      },
    ])
  }
  await seed.save(db)
  return lanes
}

let stepCount = 0

beforeAll(async () => {
  const lanes: Lane[] = []
  for (let number = 0; number < ORGANIZATIONS; number += 1) {
    lanes.push(...(await planOrganization()))
  }
  const turns = lanes.flatMap((lane, index) => lane.map(() => index))
  const all = { minLength: turns.length, maxLength: turns.length }
  const [order = []] = sample(shuffledSubarray(turns, all), { seed: SEED, numRuns: 1 })
  stepCount = order.length
  const running = new Map<number, Promise<void>>()
  await pMap(
    order,
    (index) => {
      const step = lanes[index]!.shift()!
      const done = (running.get(index) ?? Promise.resolve()).then(step)
      running.set(index, done)
      return done
    },
    { concurrency: CONCURRENCY },
  )
})

const readRows = async <Row>(sql: string) => (await db.prepare(sql).all<Row>()).results

const usersThat = (areDeleted: boolean): EditedUser[] =>
  [...users.values()].filter(({ isDeleted }) => isDeleted === areDeleted)

const groupsOf = ({ memberships }: EditedUser): string[] =>
  [...memberships].filter(([, isMember]) => isMember === 1).map(([groupID]) => groupID)

test('edits found users gone, and deletions found memberships', () => {
  expect(stepCount).toBeGreaterThan(5_000)
  expect(missed).toBeGreaterThan(100)
  const withGroups = usersThat(true).filter((user) => groupsOf(user).length > 0)
  expect(withGroups.length).toBeGreaterThan(100)
})

test('no row refers to a missing row, and only the deleted users are gone', async () => {
  expect(await readRows('PRAGMA foreign_key_check')).toEqual([])
  const [row] = await readRows<{ count: number }>(
    'SELECT count(*) AS count FROM organization_users',
  )
  expect(row?.count).toBe(usersThat(false).length + ORGANIZATIONS)
})

test('every edited membership of the others is there', async () => {
  const rows = await readRows<{ pair: string }>(
    `SELECT organization_user_id || ' ' || group_id AS pair FROM group_members
     WHERE group_id NOT IN (SELECT group_id FROM group_roles WHERE role_id = 'administrator')`,
  )
  const expected = usersThat(false).flatMap((user) =>
    groupsOf(user).map((groupID) => `${user.userID} ${groupID}`),
  )
  expect(rows.map(({ pair }) => pair).toSorted()).toEqual(expected.toSorted())
})

test('each deleted user has one record, which counts its memberships', async () => {
  const rows = await readRows<{ id: string; groups: number }>(
    'SELECT organization_user_id AS id, groups_removed AS groups FROM user_deletions',
  )
  const expected = usersThat(true).map((user) => [user.userID, groupsOf(user).length] as const)
  expect(new Map(rows.map(({ id, groups }) => [id, groups]))).toEqual(new Map(expected))
  expect(rows.length).toBe(expected.length)
})
