/**
 * A caller that goes away during its call: the deletion is completed, with its record and log line.
 */
import { afterAll, describe, expect, test, vi } from 'vitest'
import type { DeleteUserRequest } from '../../src/identity'
import { createFixture } from '../support/fixture'
import { withBody } from '../support/jwks-responders'
import { startWithIssuer } from '../support/node/local-workers'
import { bindTo, buildTestWorker } from './test-workers'
import { instruct } from './transports'

const WAYS = ['forgets', 'disposes', 'throws', 'waits'] as const
const PATIENCE = { timeout: 10_000, interval: 5 }
const COMPLETED = { records: 1, statuses: [200] }
const PENDING = { records: 0, statuses: [] }

/** Each way has an Identity Worker that fetches keys when its call begins, and waits for them. */
const gates = new Map<string, Record<'begun' | 'open', PromiseWithResolvers<void>>>(
  WAYS.map((way) => [way, { begun: Promise.withResolvers(), open: Promise.withResolvers() }]),
)

const workers = await startWithIssuer(async ({ vars }) => ({
  identity: WAYS.map((name) => ({ name, vars: { JWKS_URL: `${vars.JWKS_URL}?${name}` } })),
  others: [await buildTestWorker('caller', bindTo(...WAYS))],
}))
const { issuer } = workers
issuer.endpoint.respond = async (request) => {
  const { pathname, search } = new URL(request.url)
  const gate = gates.get(search.slice(1))
  if (pathname === '/begun') return gate!.begun.promise.then(() => new Response())
  gate!.begun.resolve()
  await gate!.open.promise
  return withBody(issuer.jwks())(request)
}
afterAll(() => workers.stop())

async function createRequest() {
  const { administrator, target } = await createFixture(workers.db)
  const token = await issuer.token(administrator.person.subject)
  return { ...target, token, requestID: crypto.randomUUID() }
}

/** The statuses in the log of a request, and the number of its deletion records. */
async function readEffect({ requestID = '' }: DeleteUserRequest) {
  const records = await workers.db
    .prepare('SELECT count(*) AS count FROM user_deletions WHERE request_id = ?')
    .bind(requestID)
    .first('count')
  const lines = workers.log.filter((text) => text.includes(requestID))
  return { records, statuses: lines.map((text) => (JSON.parse(text) as { status: number }).status) }
}

/** Lets the Identity Worker of a way have its keys, and waits until the deletion is completed. */
async function expectCompletion(way: string, request: DeleteUserRequest): Promise<void> {
  gates.get(way)!.open.resolve()
  await vi.waitFor(async () => expect(await readEffect(request)).toEqual(COMPLETED), PATIENCE)
}

describe('completes a deletion that has begun', () => {
  test.each([
    ['forgets', 'left'],
    ['disposes', 'left'],
    ['throws', 'Internal Server Error'],
  ] as const)('when the caller leaves: %s', async (way, body) => {
    const request = await createRequest()
    const after = new URL(`/begun?${way}`, issuer.vars.JWKS_URL).href
    const response = await instruct(workers.urlOf('caller'), way, {
      request,
      leave: { way, after },
    })
    expect(await response.text()).toContain(body)
    expect(await readEffect(request)).toEqual(PENDING)
    await expectCompletion(way, request)
  })

  test("when the caller's own caller disconnects", async () => {
    const request = await createRequest()
    const client = new AbortController()
    const { signal } = client
    const response = instruct(workers.urlOf('caller'), 'waits', { request }, { signal })
    await gates.get('waits')!.begun.promise
    client.abort()
    await expect(response).rejects.toThrow('aborted')
    await expectCompletion('waits', request)
  })
})
