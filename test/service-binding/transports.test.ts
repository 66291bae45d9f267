/**
 * Each row of outcomes.ts over HTTP, over `deleteUser` of a service binding and over the binding's `fetch`: the same
 * outcome, effect on the database, D1 calls and log line.
 */
import { Response as MiniflareResponse } from 'miniflare'
import { afterAll, expect, test, vi } from 'vitest'
import { createSeed } from '../../dev/seeder.ts'
import type { DeleteUserOutcome, DeleteUserRequest } from '../../src/identity'
import { compare, readDatabase, type Difference } from '../support/database'
import { createFixture, subjectOf, type Subject } from '../support/fixture'
import { startWithIssuer } from '../support/node/local-workers'
import { addToFixture, cases, deployments, notFound, type OutcomeCase } from './outcomes'
import { bindTo, buildTestWorker, buildWatchedIdentity } from './test-workers'
import { deleteUserOver, fetchOver, httpTo, type Transport } from './transports'

type Line = Readonly<Record<string, unknown>>

const ROUTE = '/api/v1/organizations/{organizationID}/users/{userID}'
/** Options of deployments beside their variables. */
const OPTIONS: Readonly<Record<string, object>> = {
  WITHOUT_TABLES: { d1Databases: { DB: 'empty' } },
  WITH_ISSUER_BINDING: { serviceBindings: { ISSUER: serveKeys } },
}

let keyFetches = 0

async function serveKeys() {
  keyFetches += 1
  return new MiniflareResponse(issuer.jwks())
}

const workers = await startWithIssuer(async (trusted) => {
  const identities = Object.entries({ ...deployments, WITH_ISSUER_BINDING: {} }).map(
    ([name, vars]) => buildWatchedIdentity(name, { ...trusted.vars, ...vars }, OPTIONS[name]),
  )
  const others = await Promise.all(identities)
  others.push(await buildTestWorker('caller', bindTo(...others.map(({ name }) => name))))
  return { others }
})
const { issuer } = workers
afterAll(() => workers.stop())

const fixture = await createFixture(workers.db, addToFixture)
const before = await readDatabase(workers.db)

test.each(cases)('$title: $reason', async (row) => {
  const { deployment = 'USUAL', outcome, reason } = row
  const isRouted = deployment !== 'WITHOUT_AUDIENCE'
  const requests = await createRequests(row)
  const { organizationID, userID } = requests.at(-1)!
  const scope = { organizationID, userID }

  let challenge: string | null = null
  const transport = httpTo(workers.urlOf(deployment), {}, ({ headers }) => {
    challenge = headers.get('WWW-Authenticate')
  })
  const overHTTP = await run(requests, transport)
  const { method, route, ...line } = overHTTP.line
  expect(overHTTP.outcomes.at(-1)).toEqual(outcome)
  expect(overHTTP.outcomes.slice(0, -1).every(({ ok }) => ok)).toBe(true)
  expect(challenge).toBe(row.challenge)
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
  const { caller = 'administrator', user = 'target', alter = String, keys = [undefined] } = row
  const subject = (fixture as unknown as Record<string, Subject>)[caller] ?? caller
  const token = alter(await issuer.token(subjectOf(subject), row.token))
  const { organizationID } = fixture
  const request = { token, organizationID, userID: fixture[user].userID, ...row.request }
  return keys.map((idempotencyKey) =>
    Object.assign({}, request, idempotencyKey && { idempotencyKey }),
  )
}

/** Makes the calls of a row over one transport, and undoes their effect. Leaves out what differs between any two calls. */
async function run(requests: readonly DeleteUserRequest[], transport: Transport) {
  const outcomes: DeleteUserOutcome[] = []
  let lines: Line[] = []
  for (const request of requests) {
    const start = workers.log.length
    outcomes.push(await transport(request))
    lines = await vi.waitFor(() => linesSince(start), { timeout: 5_000, interval: 2 })
  }
  // Without a removal nothing has changed; the end of each test checks it.
  const { removed, added }: Difference = outcomes.some(({ ok }) => ok)
    ? compare(before, await readDatabase(workers.db))
    : { removed: {}, added: {} }
  const { user_deletions: records = [], ...others } = added
  const seed = createSeed()
  for (const table of ['organization_users', 'group_members']) {
    for (const row of removed[table] ?? []) seed.row(table, row as Record<string, string>)
  }
  await seed.save(workers.db)
  await workers.db.prepare('DELETE FROM user_deletions').run()
  const [line, database] = lines
  const { requestID, durationMs, database: use, ...rest } = line ?? {}
  expect(requestID).toMatch(/^[\w-]{36}$/)
  expect(durationMs).toBeTypeOf('number')
  const fresh = { id: 'fresh', request_id: 'fresh', deleted_at: 'fresh' }
  return {
    outcomes,
    line: { ...rest, database: use && { ...use, sqlMs: 'some' } } as Line,
    database: database?.['calls'],
    difference: { removed, added: others },
    records: records.map((record) => Object.assign({}, record, fresh)),
  }
}

/** The request's line and the one of its database; there must be no third. */
function linesSince(start: number): Line[] {
  const texts = workers.log.slice(start)
  const lines = texts.map((text) => JSON.parse(text) as Line)
  const ours = lines.filter(({ message }) => message !== 'jwks_refresh_failed')
  expect(ours.map(({ message }) => message)).toEqual(['request', 'database'])
  return ours
}

const transports: Readonly<Record<string, (deployment: string) => Transport>> = {
  HTTP: (deployment) => httpTo(workers.urlOf(deployment)),
  'deleteUser of the binding': (deployment) => deleteUserOver(workers.urlOf('caller'), deployment),
  'fetch of the binding': (deployment) => fetchOver(workers.urlOf('caller'), deployment),
}

test.each(Object.entries(transports))('%s passes on request ID and trace ID', async (_, open) => {
  const traceID = '4bf92f3577b34da6a3ce929d0e0e4736'
  const traceparent = `00-${traceID}-00f067aa0ba902b7-01`

  /** The log line of a call by an unknown caller. */
  async function readLine(trace: Partial<DeleteUserRequest>) {
    const userID = crypto.randomUUID()
    const token = await issuer.token('a-stranger')
    await open('USUAL')({ token, organizationID: 'o', userID, ...trace })
    const text = await vi.waitFor(() => workers.log.find((line) => line.includes(userID))!)
    return JSON.parse(text) as Record<string, string>
  }

  const requestID = 'r'.repeat(128)
  expect(await readLine({ requestID, traceparent })).toMatchObject({ requestID, traceID })
  const invalid = { requestID: 'two/words', traceparent: traceparent.toUpperCase() }
  const line = await readLine(invalid)
  expect(line['requestID']).toMatch(/^[\w-]{36}$/)
  expect(line).not.toHaveProperty('traceID')
})

test('all transports share the keys that come through the binding ISSUER', async () => {
  const { organizationID, administrator } = fixture
  const token = await issuer.token(administrator.person.subject)
  for (const open of Object.values(transports)) {
    const request = { token, organizationID, userID: 'absent' }
    expect(await open('WITH_ISSUER_BINDING')(request)).toEqual(notFound)
  }
  expect(keyFetches).toBe(1)
})
