/**
 * Deletions while another Worker edits the groups of the same organizations in the same D1, thousands of times in an
 * order that a seed draws. Afterwards there is no membership without its user, no edit is lost, and each record counts
 * the memberships that its user had.
 */
import { join } from 'node:path'
import pMap from 'p-map'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compatibility, DATABASE } from '../../dev/identity-worker.ts'
import { bundleScript } from '../support/node/bundle'
import { call } from '../support/node/client'
import { serveIssuer } from '../support/node/jwks-server'
import { startWorkers } from '../support/node/local-workers'
import { createSeed, type Member } from '../../dev/seeder.ts'
import { connectDatabase, DATABASE_WORKER } from './harness/direct-database'
import { createDraw } from './harness/draw'
import type { Edit, EditResult } from './harness/editor-worker'

const SEED = 20_261_125
const ORGANIZATIONS = 20
const GROUPS = 6
/** Of each organization; half of them are deleted, the others must stay. */
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
        entryPoints: [join(import.meta.dirname, 'harness/editor-worker.ts')],
      }),
      ...compatibility,
      d1Databases: DATABASE,
    },
    DATABASE_WORKER,
  ],
})
const db = connectDatabase(workers.urlOf(DATABASE_WORKER.name))
const draw = createDraw(SEED)
afterAll(async () => {
  await workers.stop()
  await issuer.stop()
})

/** A user whose groups are edited. */
export interface Fellow extends Member {
  readonly groups: readonly string[]
  /** Whether it is deleted meanwhile. */
  readonly isDoomed: boolean
  /** How many memberships the edits have left to it. */
  memberships: number
}

const fellows = new Map<string, Fellow>()
/** The groups that are deleted, from before the edit is sent. */
const dissolved = new Set<string>()
/** `user group` for each membership that would be there without deletions. */
const members = new Set<string>()
const names = new Map<string, string>()
/** How many edits found their user or group gone. */
let missed = 0

async function edit(wanted: Edit): Promise<EditResult> {
  const response = await fetch(workers.urlOf('editor'), {
    method: 'POST',
    body: JSON.stringify(wanted),
  })
  if (!response.ok) throw new Error(await response.text())
  return response.json<EditResult>()
}

async function changeMembership(fellow: Fellow, groupID: string, joins: boolean): Promise<void> {
  const { organizationID, userID } = fellow
  const kind = joins ? 'join' : 'leave'
  const result = await edit({ kind, organizationID, groupID, userID })
  if ('missing' in result) {
    missed += 1
    const mayMiss = joins && (fellow.isDoomed || dissolved.has(groupID))
    if (!mayMiss) throw new Error('an edit missed a user and a group that are there')
    return
  }
  fellow.memberships += (joins ? 1 : -1) * result.changed.length
  if (joins) members.add(`${userID} ${groupID}`)
  else members.delete(`${userID} ${groupID}`)
}

async function dissolve(groupID: string): Promise<void> {
  dissolved.add(groupID)
  const result = await edit({ kind: 'dissolve', groupID })
  if ('missing' in result) throw new Error('a group was gone before it was dissolved')
  for (const userID of result.changed) {
    const fellow = fellows.get(userID)
    if (fellow !== undefined) fellow.memberships -= 1
  }
}

async function rename(groupID: string, name: string): Promise<void> {
  const result = await edit({ kind: 'rename', groupID, name })
  const isDone = 'changed' in result && result.changed.length === 1
  if (isDone) names.set(groupID, name)
  else if (!dissolved.has(groupID)) throw new Error('a rename missed a group that is there')
}

/** Steps of one order; steps of other lanes run in between. */
type Lane = readonly (() => Promise<void>)[]

/** The edits of one user, and for half of the users the deletion between them. */
function planUser(fellow: Fellow, token: string): Lane[] {
  const { organizationID, userID, groups } = fellow
  const [which, joins] = [draw.numbers(EDITS_PER_USER, GROUPS), draw.numbers(EDITS_PER_USER, 3)]
  const edits = which.map(
    (group, turn) => () => changeMembership(fellow, groups[group] ?? '', joins[turn] !== 0),
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
  for (const fellow of users) fellows.set(fellow.userID, fellow)
  const names = ['1', '2', '3']
  return [
    ...users.flatMap((fellow) => planUser(fellow, token)),
    ...groups.map((groupID) => names.map((name) => () => rename(groupID, name))),
    groups.slice(0, 1).map((groupID) => () => dissolve(groupID)),
  ]
}

async function rowsOf(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  return (await db.prepare(sql).all()).results
}

const usersOf = (isDoomed: boolean): Fellow[] =>
  [...fellows.values()].filter((fellow) => fellow.isDoomed === isDoomed)

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

test('edits found users gone, and deletions found memberships', () => {
  expect(taken).toBeGreaterThan(5_000)
  expect(missed).toBeGreaterThan(100)
  expect(usersOf(true).filter(({ memberships }) => memberships > 0).length).toBeGreaterThan(100)
})

test('no row refers to a row that is gone', async () => {
  expect(await rowsOf('PRAGMA foreign_key_check')).toEqual([])
})

test('deleted users are gone with all memberships, the others are there', async () => {
  const users = await rowsOf('SELECT id FROM organization_users')
  const isThere = new Set(users.map(({ id }) => id))
  expect(usersOf(true).filter(({ userID }) => isThere.has(userID))).toEqual([])
  expect(usersOf(false).filter(({ userID }) => !isThere.has(userID))).toEqual([])
  expect(isThere.size).toBe(usersOf(false).length + ORGANIZATIONS)
})

test('every membership that was edited is there', async () => {
  const rows = await rowsOf(
    `SELECT organization_user_id AS user_id, group_id FROM group_members
     WHERE group_id NOT IN (SELECT group_id FROM group_roles WHERE role_id = 'administrator')`,
  )
  const expected = usersOf(false).flatMap(({ userID, groups }) =>
    groups
      .filter((groupID) => !dissolved.has(groupID))
      .map((groupID) => `${userID} ${groupID}`)
      .filter((pair) => members.has(pair)),
  )
  const pairs = rows.map(({ user_id, group_id }) => `${String(user_id)} ${String(group_id)}`)
  expect(new Set(pairs)).toEqual(new Set(expected))
  expect(pairs.length).toBe(expected.length)
})

test('every name that a group was given is there', async () => {
  const rows = await rowsOf('SELECT id, name FROM groups WHERE name <> id')
  const expected = [...names].filter(([groupID]) => !dissolved.has(groupID))
  expect(new Map(rows.map(({ id, name }) => [id, name]))).toEqual(new Map(expected))
})

test('each deleted user has one record, which counts its memberships', async () => {
  const rows = await rowsOf('SELECT organization_user_id AS id, groups_removed FROM user_deletions')
  expect(rows.length).toBe(usersOf(true).length)
  const counted = usersOf(true).map(({ userID, memberships }) => [userID, memberships] as const)
  expect(new Map(rows.map(({ id, groups_removed }) => [id, groups_removed]))).toEqual(
    new Map(counted),
  )
})
