/**
 * Each row of outcomes.ts over HTTP, over `deleteUser` of a service binding and over the binding's `fetch`: the same
 * outcome, effect on the database, D1 calls and log line.
 */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { DeleteUserOutcome, DeleteUserRequest } from '../../src/identity'
import { compare, readDatabase, type Difference, type Snapshot } from '../support/database'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'
import { createSeed } from '../../dev/seeder.ts'
import { createFixture, subjectOf, type Subject, type Fixture } from '../support/fixture'
import { fetchOver, httpTo, deleteUserOver, type Transport } from './transports'
import { addToFixture, cases, deployments, type OutcomeCase } from './outcomes'
import { buildTestWorker, buildWatchedIdentity } from './test-workers'

const ROUTE = '/api/v1/organizations/{organizationID}/users/{userID}'
let issuer: ServedIssuer
let workers: LocalWorkers
let fixture: Fixture
let before: Snapshot

beforeAll(async () => {
  issuer = await serveIssuer()
  const names = Object.keys(deployments)
  const bindings = names.map((name) => [name, { name, entrypoint: 'Identity' }])
  const others = [
    buildTestWorker('caller', { serviceBindings: Object.fromEntries(bindings) }),
    ...Object.entries(deployments).map(([name, vars]) => {
      const database = name === 'WITHOUT_TABLES' ? 'empty' : undefined
      return buildWatchedIdentity(name, { ...issuer.vars, ...vars }, database)
    }),
  ]
  workers = await startWorkers({ others: await Promise.all(others) })
  fixture = await createFixture(workers.db, addToFixture)
  before = await readDatabase(workers.db)
})

afterAll(async () => {
  await workers.stop()
  await issuer.stop()
})

test.each(cases)('$title: $reason', async (row) => {
  const { deployment = 'USUAL', outcome, reason } = row
  const isRouted = deployment !== 'WITHOUT_AUDIENCE'
  const requests = await createRequests(row)
  const { organizationID, userID } = requests.at(-1)!
  const scope = { organizationID, userID }

  const challenges: (string | null)[] = []
  const transport = httpTo(workers.urlOf(deployment), {}, ({ headers }) => {
    challenges.push(headers.get('WWW-Authenticate'))
  })
  const overHTTP = await run(requests, transport)
  const { method, route, ...line } = overHTTP.line
  expect(overHTTP.outcomes.at(-1)).toEqual(outcome)
  expect(overHTTP.outcomes.slice(0, -1).every(({ ok }) => ok)).toBe(true)
  expect(challenges.at(-1)).toBe(row.challenge)
  expect(line).toMatchObject({ status: outcome.ok ? 200 : outcome.status, transport: 'http' })
  expect(line['reason']).toBe(reason)
  expect([method, route]).toEqual(['DELETE', isRouted ? ROUTE : undefined])
  expect(line['scope']).toEqual(isRouted ? scope : undefined)
  expect(overHTTP.database).toEqual(Array(row.batches).fill('batch'))

  const deletions = new Set(overHTTP.outcomes.filter(({ ok }) => ok).map(() => userID))
  expect(overHTTP.records.map((record) => record['organization_user_id'])).toEqual([...deletions])

  const caller = workers.urlOf('caller')
  expect(await run(requests, fetchOver(caller, deployment))).toEqual(overHTTP)
  expect(await run(requests, deleteUserOver(caller, deployment))).toEqual({
    ...overHTTP,
    line: { ...line, scope, transport: 'rpc' },
  })
  expect(await readDatabase(workers.db)).toEqual(before)
})

/** Makes the requests of a row. All but the last one delete the user. */
async function createRequests(row: OutcomeCase): Promise<DeleteUserRequest[]> {
  const { caller = 'administrator', user = 'target', alter = (token: string) => token } = row
  const subject = (fixture as unknown as Record<string, Subject>)[caller] ?? caller
  const token = alter(await issuer.token(subjectOf(subject), row.token))
  const { userID } = fixture[user]
  const request = { token, organizationID: fixture.organizationID, userID, ...row.request }
  const withKey = (idempotencyKey?: string) =>
    idempotencyKey === undefined ? request : { ...request, idempotencyKey }
  return row.keys === undefined ? [request] : [withKey(row.keys[0]), withKey(row.keys[1])]
}

/** The effect of an error; the end of each test checks it. */
const UNCHANGED: Difference = { removed: {}, added: {} }

/** The result of the calls of a row. */
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

/** Makes the calls of a row over one transport, and undoes their effect. */
async function run(requests: readonly DeleteUserRequest[], transport: Transport): Promise<Result> {
  const outcomes: DeleteUserOutcome[] = []
  let lines: Record<string, unknown>[] = []
  for (const request of requests) {
    const seen = workers.log.length
    outcomes.push(await transport(request))
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
