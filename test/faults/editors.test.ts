/**
 * Deletions against another Worker that edits the groups of the same organizations in the same D1, thousands of times in
 * an order that a seed draws. At the end the books must balance: no membership without its user, no edit lost, and each
 * record counts the memberships that were there when its user went.
 */
import { join } from 'node:path'
import pMap from 'p-map'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compatibility, DATABASE } from '../../dev/identity-worker.ts'
import { bundleScript } from '../support/node/bundle'
import { call } from '../support/node/client'
import { serveIssuer } from '../support/node/jwks-server'
import { startWorkers } from '../support/node/local-workers'
import { createSeed } from '../support/seed'
import { connectDatabase, DATABASE_WORKER } from './rig/direct-database'
import { createDraw } from './rig/draw'
import { openBooks, type Fellow } from './rig/editors'

const SEED = 20_261_125
const ORGANIZATIONS = 20
const GROUPS = 6
/** Of each organization; half of them are deleted, the others see to it that nothing else is. */
const USERS = 40
const EDITS_PER_USER = 6
const CONCURRENCY = 32

const issuer = await serveIssuer()
const workers = await startWorkers({
  identity: [{ vars: { ...issuer.vars } }],
  others: [
    {
      name: 'editor',
      modules: true,
      script: await bundleScript({
        entryPoints: [join(import.meta.dirname, 'rig/editor-worker.ts')],
      }),
      ...compatibility,
      d1Databases: DATABASE,
    },
    DATABASE_WORKER,
  ],
})
const db = connectDatabase(workers.urlOf(DATABASE_WORKER.name))
const books = openBooks(workers.urlOf('editor'))
const draw = createDraw(SEED)
afterAll(async () => {
  await workers.stop()
  await issuer.stop()
})

/** What runs one after the other, though other things happen in between. */
type Lane = readonly (() => Promise<void>)[]

/** One user's comings and goings, and for half of the users the deletion in the middle of them. */
function planUser(fellow: Fellow, token: string): Lane[] {
  const { organizationID, userID, groups } = fellow
  const [which, joins] = [draw.numbers(EDITS_PER_USER, GROUPS), draw.numbers(EDITS_PER_USER, 3)]
  const edits = which.map(
    (group, turn) => () => books.changeMembership(fellow, groups[group] ?? '', joins[turn] !== 0),
  )
  async function remove(): Promise<void> {
    expect((await call(workers.url, { organizationID, userID, token })).status).toBe(200)
  }
  return fellow.isDoomed ? [edits, [remove]] : [edits]
}

async function planOrganization(): Promise<Lane[]> {
  const seed = createSeed()
  const organizationID = seed.organization()
  const administrators = seed.group(organizationID, ['administrator'])
  const { person } = seed.member(organizationID, { groups: [administrators] })
  const groups = Array.from({ length: GROUPS }, () => seed.group(organizationID, ['reader']))
  const token = await issuer.token(person.subject)
  const users = Array.from({ length: USERS }, (_, index): Fellow => {
    const fellow = { ...seed.member(organizationID), groups, isDoomed: index % 2 === 0 }
    return { ...fellow, memberships: 0 }
  })
  await seed.save(db)
  for (const fellow of users) books.add(fellow)
  const names = ['1', '2', '3']
  return [
    ...users.flatMap((fellow) => planUser(fellow, token)),
    ...groups.map((groupID) => names.map((name) => () => books.rename(groupID, name))),
    groups.slice(0, 1).map((groupID) => () => books.dissolve(groupID)),
  ]
}

async function rowsOf(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  return (await db.prepare(sql).all()).results
}

const usersOf = (isDoomed: boolean): Fellow[] =>
  [...books.fellows.values()].filter((fellow) => fellow.isDoomed === isDoomed)

let taken = 0

beforeAll(async () => {
  const lanes: Lane[] = []
  for (let number = 0; number < ORGANIZATIONS; number += 1) {
    lanes.push(...(await planOrganization()))
  }
  const turns = draw.mix(lanes.map((lane) => lane.map((run) => ({ lane, run }))))
  taken = turns.length
  const under = new Map<Lane, Promise<void>>()
  await pMap(
    turns,
    ({ lane, run }) => {
      const done = (under.get(lane) ?? Promise.resolve()).then(run)
      under.set(lane, done)
      return done
    },
    { concurrency: CONCURRENCY },
  )
})

test('the two Workers have met: edits found users gone, and deletions found memberships', () => {
  expect(taken).toBeGreaterThan(5_000)
  expect(books.missed()).toBeGreaterThan(100)
  expect(usersOf(true).filter(({ memberships }) => memberships > 0).length).toBeGreaterThan(100)
})

test('no row refers to a row that is gone', async () => {
  expect(await rowsOf('PRAGMA foreign_key_check')).toEqual([])
})

test('whoever was deleted is gone with all memberships, and nobody else is', async () => {
  const users = await rowsOf('SELECT id FROM organization_users')
  const isThere = new Set(users.map(({ id }) => id))
  expect(usersOf(true).filter(({ userID }) => isThere.has(userID))).toEqual([])
  expect(usersOf(false).filter(({ userID }) => !isThere.has(userID))).toEqual([])
  expect(isThere.size).toBe(usersOf(false).length + ORGANIZATIONS)
})

test('every edit of the others is there, to the last membership', async () => {
  const rows = await rowsOf(
    `SELECT organization_user_id AS user_id, group_id FROM group_members
     WHERE group_id NOT IN (SELECT group_id FROM group_roles WHERE role_id = 'administrator')`,
  )
  const right = usersOf(false).flatMap(({ userID, groups }) =>
    groups
      .filter((groupID) => !books.dissolved.has(groupID))
      .map((groupID) => `${userID} ${groupID}`)
      .filter((pair) => books.members.has(pair)),
  )
  const pairs = rows.map(({ user_id, group_id }) => `${String(user_id)} ${String(group_id)}`)
  expect(new Set(pairs)).toEqual(new Set(right))
  expect(pairs.length).toBe(right.length)
})

test('every name that a group was given is there', async () => {
  const rows = await rowsOf('SELECT id, name FROM groups WHERE name <> id')
  const right = [...books.names].filter(([groupID]) => !books.dissolved.has(groupID))
  expect(new Map(rows.map(({ id, name }) => [id, name]))).toEqual(new Map(right))
})

test('whoever was deleted has one record, which counts the memberships that went with it', async () => {
  const rows = await rowsOf('SELECT organization_user_id AS id, groups_removed FROM user_deletions')
  expect(rows.length).toBe(usersOf(true).length)
  const counted = usersOf(true).map(({ userID, memberships }) => [userID, memberships] as const)
  expect(new Map(rows.map(({ id, groups_removed }) => [id, groups_removed]))).toEqual(
    new Map(counted),
  )
})
