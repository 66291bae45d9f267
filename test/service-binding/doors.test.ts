/**
 * Two doors, one room: every case of the table has the same outcome over HTTP, over `deleteUser` of a service binding and
 * over the binding's `fetch`; it does the same to the database, costs the same D1 calls and logs the same line.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { DeleteUserOutcome, DeleteUserRequest } from '../../src/identity'
import { compare, readDatabase, type Difference, type Snapshot } from '../support/database'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'
import { createSeed } from '../support/seed'
import { createWorld, type World } from '../support/world'
import { addToWorld, type Deployment } from './door-case'
import { cases } from './door-cases'
import { fetchDoor, httpDoor, rpcDoor, type Door } from './doors'
import { buildTestWorker, buildWatchedIdentity } from './test-workers'

const ROUTE = '/api/v1/organizations/{organizationID}/users/{userID}'
const DEPLOYMENTS: Readonly<Record<Deployment, Readonly<Record<string, string>>>> = {
  USUAL: {},
  SCOPED: { REQUIRED_SCOPE: 'users:delete' },
  KEEPING: { KEEP_LAST_ADMINISTRATOR: 'true' },
  WITHOUT_AUDIENCE: { TOKEN_AUDIENCE: '' },
  WITHOUT_ISSUER: { JWKS_URL: 'http://127.0.0.1:1/jwks' },
  WITHOUT_TABLES: {},
}

let issuer: ServedIssuer
let workers: LocalWorkers
let world: World
let before: Snapshot

beforeAll(async () => {
  issuer = await serveIssuer()
  const names = Object.keys(DEPLOYMENTS) as Deployment[]
  const bindings = names.map((name) => [name, { name, entrypoint: 'Identity' }] as const)
  const others = [
    buildTestWorker('caller', { serviceBindings: Object.fromEntries(bindings) }),
    ...names.map((name) => {
      const database = name === 'WITHOUT_TABLES' ? 'empty' : undefined
      return buildWatchedIdentity(name, { ...issuer.vars, ...DEPLOYMENTS[name] }, database)
    }),
  ]
  workers = await startWorkers({ others: await Promise.all(others) })
  world = await createWorld(workers.db, addToWorld)
  before = await readDatabase(workers.db)
})

afterAll(async () => {
  await workers.stop()
  await issuer.stop()
})

describe.each(cases)('$title', ({ deployment = 'USUAL', calls, ...right }) => {
  test('has the same outcome, effect, cost and log line through each door', async () => {
    const requests = await calls({ world, token: (...args) => issuer.token(...args) })
    const { organizationID, userID } = requests.at(-1)!
    const scope = { organizationID, userID }

    const overHTTP = await run(requests, httpDoor(workers.urlOf(deployment)))
    const { method, route, ...line } = overHTTP.line
    expect(overHTTP.outcomes.at(-1)).toEqual(right.outcome)
    expect(overHTTP.outcomes.slice(0, -1).every(({ ok }) => ok)).toBe(true)
    expect(line['status']).toBe(right.outcome.ok ? 200 : right.outcome.status)
    expect(line['reason']).toBe(right.reason)
    expect(line['transport']).toBe('http')
    expect([method, route]).toEqual(['DELETE', right.unrouted ? undefined : ROUTE])
    expect(line['scope']).toEqual(right.unrouted ? undefined : scope)
    expect(overHTTP.database).toEqual(Array(right.batches).fill('batch'))

    const deletions = new Set(overHTTP.outcomes.filter(({ ok }) => ok).map(() => userID))
    expect(overHTTP.records.map((record) => record['organization_user_id'])).toEqual([...deletions])

    const caller = workers.urlOf('caller')
    expect(await run(requests, fetchDoor(caller, deployment))).toEqual(overHTTP)
    expect(await run(requests, rpcDoor(caller, deployment))).toEqual({
      ...overHTTP,
      line: { ...line, scope, transport: 'rpc' },
    })
    expect(await readDatabase(workers.db)).toEqual(before)
  })
})

/** What a refusal does to the database; the end of each test looks whether that is so. */
const UNCHANGED: Difference = { removed: {}, added: {} }

/** What a case came to. */
interface Result {
  readonly outcomes: readonly DeleteUserOutcome[]
  /** The last call's line, without what no two calls share. */
  readonly line: Readonly<Record<string, unknown>>
  /** The calls of D1 that the last call cost. */
  readonly database: unknown
  /** What all calls have changed in the database, but for the records. */
  readonly difference: Difference
  /** The deletion records, without what is new in each. */
  readonly records: readonly Readonly<Record<string, unknown>>[]
}

/** Makes the calls of a case through one door, and undoes what they did. */
async function run(requests: readonly DeleteUserRequest[], door: Door): Promise<Result> {
  const outcomes: DeleteUserOutcome[] = []
  let lines: Record<string, unknown>[] = []
  for (const request of requests) {
    const seen = workers.log.length
    outcomes.push(await door(request))
    lines = await vi.waitFor(() => linesSince(seen), { timeout: 5_000, interval: 2 })
  }
  const hasChanged = outcomes.some(({ ok }) => ok)
  const difference = hasChanged ? compare(before, await readDatabase(workers.db)) : UNCHANGED
  await undo(difference)
  const [line, database] = lines
  const { requestID, durationMs, database: use, ...rest } = line ?? {}
  expect(requestID).toMatch(/^[\w-]{36}$/)
  expect(durationMs).toBeTypeOf('number')
  return {
    outcomes,
    line: { ...rest, database: use && { ...use, sqlMs: 'some' } },
    database: database?.['calls'],
    ...splitRecords(difference),
  }
}

/** The request's line and the one of its database; there must be no third. */
function linesSince(seen: number): Record<string, unknown>[] {
  const lines = workers.log.slice(seen).map((text) => JSON.parse(text) as Record<string, unknown>)
  const ours = lines.filter(({ message }) => message !== 'jwks_refresh_failed')
  expect(ours.map(({ message }) => message)).toEqual(['request', 'database'])
  return ours
}

/** A difference with the deletion records apart. */
function splitRecords({ removed, added }: Difference): Pick<Result, 'difference' | 'records'> {
  const { user_deletions: rows = [], ...others } = added
  const fresh = { id: 'fresh', request_id: 'fresh', deleted_at: 'fresh' }
  const records = rows.map((row) => Object.assign({}, row, fresh))
  return { difference: { removed, added: others }, records }
}

/** Puts the database back as it was. */
async function undo({ removed, added }: Difference): Promise<void> {
  if (added['user_deletions'] === undefined) return
  const seed = createSeed()
  for (const table of ['organization_users', 'group_members']) {
    for (const row of removed[table] ?? []) seed.row(table, row as Record<string, string>)
  }
  await seed.save(workers.db)
  await workers.db.prepare('DELETE FROM user_deletions').run()
}
