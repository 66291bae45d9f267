/**
 * A caller that goes away does not leave a deletion half done, nor without its record and its line: what has begun is
 * finished, and what has not begun has done nothing.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { withBody } from '../support/jwks-responders'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'
import { createFixture } from '../support/fixture'
import { buildTestWorker } from './test-workers'
import type { LeavingInstruction } from './workers/leaving-caller'

const WAYS = ['forgets', 'disposes', 'throws', 'waits']
const PATIENCE = { timeout: 10_000, interval: 5 }

let issuer: ServedIssuer
let workers: LocalWorkers
/** The keys of each way's Worker, which it has to wait for: so the test knows that a call has begun. */
const gates = new Map(WAYS.map((way) => [way, { begun: deferred(), open: deferred() }]))

beforeAll(async () => {
  issuer = await serveIssuer()
  issuer.endpoint.respond = async (request) => {
    const { pathname, searchParams } = new URL(request.url)
    const gate = gates.get(searchParams.get('way') ?? '')
    if (pathname === '/begun') return gate?.begun.promise.then(() => new Response()) ?? notFound()
    gate?.begun.resolve()
    await gate?.open.promise
    return withBody(issuer.jwks())(request)
  }
  const url = issuer.vars.JWKS_URL
  const identity = [
    { name: 'warm', vars: { ...issuer.vars } },
    ...WAYS.map((way) => ({ name: way, vars: { ...issuer.vars, JWKS_URL: `${url}?way=${way}` } })),
  ]
  const others = identity.map(({ name }) => {
    const serviceBindings = { IDENTITY: { name, entrypoint: 'Identity' } }
    return buildTestWorker('leaving-caller', { name: `caller-of-${name}`, serviceBindings })
  })
  workers = await startWorkers({ identity, others: await Promise.all(others) })
})

afterAll(async () => {
  await workers.stop()
  await issuer.stop()
})

async function createRequest() {
  const { administrator, target } = await createFixture(workers.db)
  const { organizationID, userID } = target
  const token = await issuer.token(administrator.person.subject)
  return { token, organizationID, userID, requestID: crypto.randomUUID() }
}

function leave(name: string, way: string, instruction: LeavingInstruction, signal?: AbortSignal) {
  return fetch(new URL(`/${way}`, workers.urlOf(`caller-of-${name}`)), {
    method: 'POST',
    body: JSON.stringify(instruction),
    ...(signal === undefined ? {} : { signal }),
  })
}

/** The statuses that were logged of a request, and how many rows there are of its user and of its record. */
async function findTraces({ requestID, userID }: { requestID: string; userID: string }) {
  const rows = await workers.db
    .prepare(
      `SELECT (SELECT count(*) FROM organization_users WHERE id = ?1) AS users,
        (SELECT count(*) FROM group_members WHERE organization_user_id = ?1) AS memberships,
        (SELECT count(*) FROM user_deletions WHERE request_id = ?2) AS records`,
    )
    .bind(userID, requestID)
    .first()
  return { ...rows, lines: workers.log.filter((text) => text.includes(requestID)).map(statusOf) }
}

const statusOf = (text: string) => (JSON.parse(text) as { status: number }).status
const DONE = { lines: [200], users: 0, memberships: 0, records: 1 }
const NOT_BEGUN = { lines: [], users: 1, memberships: 2, records: 0 }

describe('a call that has begun is finished, whether its caller', () => {
  test.each([
    ['forgets it', 'forgets', 'left'],
    ['disposes of it', 'disposes', 'left'],
    ['throws', 'throws', 'Internal Server Error'],
  ])('%s', async (_, way, said) => {
    const request = await createRequest()
    const leaveAfter = new URL(`/begun?way=${way}`, issuer.vars.JWKS_URL).href
    const response = await leave(way, way, { request, leaveAfter })
    expect(await response.text()).toContain(said)
    expect(await findTraces(request)).toEqual(NOT_BEGUN)
    gates.get(way)?.open.resolve()
    await vi.waitFor(async () => expect(await findTraces(request)).toEqual(DONE), PATIENCE)
  })

  test('loses its own caller while it waits', async () => {
    const request = await createRequest()
    const client = new AbortController()
    const response = leave('waits', 'waits', { request }, client.signal)
    await gates.get('waits')?.begun.promise
    client.abort()
    await expect(response).rejects.toThrow('aborted')
    gates.get('waits')?.open.resolve()
    await vi.waitFor(async () => expect(await findTraces(request)).toEqual(DONE), PATIENCE)
  })
})

test.each(['forgets', 'disposes'])(
  'a call whose caller %s it at once is done as a whole or not at all',
  async (way) => {
    const requests = await Promise.all(Array.from({ length: 3 }, createRequest))
    for (const request of requests) {
      expect(await (await leave('warm', way, { request })).text()).toBe('left')
    }
    for (const request of requests) {
      const isWhole = async () =>
        expect([DONE, NOT_BEGUN]).toContainEqual(await findTraces(request))
      await vi.waitFor(isWhole, PATIENCE)
    }
  },
)

function deferred() {
  return Promise.withResolvers<void>()
}

function notFound() {
  return new Response(null, { status: 404 })
}
