/**
 * Calling Workers of the documents, bound to the Worker under test: the one in README.md and examples/console-backend.
 * The example's own tests have what needs no Worker.
 */
import { afterAll, expect, test, vi } from 'vitest'
import { readWorker, type LocalWorker } from '../../dev/local-workers.ts'
import { createSeed } from '../../dev/seeder.ts'
import { bundleScript } from '../support/node/bundle'
import { startWithIssuer } from '../support/node/local-workers'
import { bindTo, buildDocumentedCallers } from './test-workers'

const ADMINISTRATOR = 'an-administrator'

/** Passes calls on and loses every other outcome: local bindings do not fail by themselves. */
const UNRELIABLE: LocalWorker = {
  name: 'unreliable',
  modules: true,
  compatibilityDate: '2026-10-01',
  ...bindTo('identity'),
  script: `import { WorkerEntrypoint } from 'cloudflare:workers'
    let calls = 0
    export class Identity extends WorkerEntrypoint {
      async deleteUser(request) {
        const outcome = await this.env.identity.deleteUser(request)
        if (++calls % 2) throw new Error('Network connection lost.')
        return outcome
      }
    }`,
}

const { main, options } = readWorker('examples/console-backend/wrangler.toml')
const script = await bundleScript({ entryPoints: [main] })
const backend = { ...options, name: 'backend', modules: true, script } as LocalWorker
const IDENTITY = { name: 'unreliable', entrypoint: 'Identity' }
const workers = await startWithIssuer(async () => ({
  others: [
    ...(await buildDocumentedCallers()),
    backend,
    UNRELIABLE,
    { ...backend, name: 'backend-of-unreliable', serviceBindings: { IDENTITY } },
  ],
}))
const { issuer } = workers
afterAll(() => workers.stop())

const seed = createSeed()
seed.organization('acme')
const groups = [seed.group('acme', ['administrator'])]
seed.member('acme', { personOptions: { subject: ADMINISTRATOR }, groups })
seed.member('acme', { personOptions: { subject: 'a-member' } })
seed.member('acme', { id: 'acme-bob' })
await seed.save(workers.db)

test.each([
  [401, 'authentication failed', undefined],
  [403, 'user credentials do not have the required privileges', 'a-member'],
  [200, 'removed', ADMINISTRATOR],
  [404, 'the requested resource does not exist', ADMINISTRATOR],
])('the Worker of README.md responds %i %s', async (status, body, subject) => {
  const token = subject && (await issuer.token(subject))
  const headers: HeadersInit = token ? { Authorization: `bearer  ${token}` } : {}
  const response = await fetch(workers.urlOf('documented-caller'), { headers })
  expect([response.status, await response.text()]).toEqual([status, body])
})

async function addPeople(count: number): Promise<string[]> {
  const seed = createSeed()
  const people = Array.from({ length: count }, () => seed.member('acme').userID)
  await seed.save(workers.db)
  return people
}

/** Has the backend remove people. */
async function remove(
  userIDs: readonly string[],
  headers: Record<string, string> = {},
  backend = 'backend',
) {
  const url = new URL('/organizations/acme/removals', workers.urlOf(backend))
  const Authorization = `Bearer ${await issuer.token(ADMINISTRATOR)}`
  const body = JSON.stringify({ userIDs })
  const init = { method: 'POST', headers: { Authorization, ...headers }, body }
  const response = await fetch(url, init)
  expect(response.status).toBe(200)
  const requestID = response.headers.get('X-Request-Id') ?? ''
  return { requestID, body: await response.json() }
}

const removed = (userID: string, attempts = 1) => ({ userID, result: 'removed', attempts })

/** The users of a list that have a deletion record, one entry for each record. */
async function listDeleted(userIDs: readonly string[]): Promise<unknown[]> {
  const { results } = await workers.db
    .prepare('SELECT organization_user_id AS id FROM user_deletions ORDER BY 1')
    .all<{ id: string }>()
  return results.map(({ id }) => id).filter((id) => userIDs.includes(id))
}

test('the backend reports the same for the same key, in the order of the request', async () => {
  const [first = '', second = ''] = await addPeople(2)
  const headers = { 'Idempotency-Key': 'friday' }
  const absent = {
    userID: 'absent',
    result: 'not_found',
    attempts: 1,
    error: 'not_found',
    error_description: 'the requested resource does not exist',
  }
  const report = { done: false, people: [removed(first), absent, removed(second)] }
  for (let call = 1; call <= 2; call++) {
    expect((await remove([first, 'absent', second, first], headers)).body).toEqual(report)
  }
  expect(await listDeleted([first, second])).toEqual([first, second])
  const withoutKey = { done: false, people: [{ ...absent, userID: first }] }
  expect((await remove([first])).body).toEqual(withoutKey)
})

test('the backend reports a removal, with one record, when the first outcome was lost', async () => {
  const [userID = ''] = await addPeople(1)
  const { body } = await remove([userID], {}, 'backend-of-unreliable')
  expect(body).toEqual({ done: true, people: [removed(userID, 2)] })
  expect(await listDeleted([userID])).toEqual([userID])
})

/** All log lines that hold a text, when there are as many as there are transports. */
function search(text: string, transports: readonly string[]): Promise<Record<string, string>[]> {
  return vi.waitFor(() => {
    const texts = workers.log.filter((line) => line.includes(text))
    const lines = texts.map((line) => JSON.parse(line) as Record<string, string>)
    expect(lines.map(({ message, transport }) => transport ?? message)).toEqual(transports)
    return lines
  }, 5_000)
}

test('one search finds the log lines of both Workers, by request ID and by trace ID', async () => {
  const people = [...(await addPeople(1)), 'absent']
  const transports = ['rpc', 'rpc', 'removal']
  const requestID = `console-${crypto.randomUUID()}`
  expect((await remove(people, { 'X-Request-Id': requestID })).requestID).toBe(requestID)
  await search(requestID, transports)

  const traceID = crypto.randomUUID().replaceAll('-', '')
  await remove(people, { traceparent: `00-${traceID}-00f067aa0ba902b7-01` })
  await search(traceID, transports)

  const lines = await search((await remove(people)).requestID, transports)
  const traceIDs = new Set(lines.map((line) => line['traceID']))
  expect([...traceIDs]).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)])
})
