/**
 * Tens of thousands of random requests with odd methods, paths, headers and tokens. Each gets a response that
 * docs/openapi.yaml describes, no 5xx, and one log line with the listed members. No response and no line has a part of a
 * token, SQL or a stack.
 *
 * FUZZ_REQUESTS is the number of requests, FUZZ_SEED the seed.
 */
import { array, assert, asyncProperty } from 'fast-check'
import { once } from 'node:events'
import { Agent, request as open, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, expect, test } from 'vitest'
import { createKey } from '../../dev/test-keys.ts'
import { createFixture } from '../support/fixture'
import type { CallResponse } from '../support/node/client'
import { checkResponse } from '../support/openapi'
import { startIdentity } from './harness/start'
import { CANARY, hostileRequests, writeToken, type HostileRequest } from './hostile-requests'

const REQUESTS = Number(process.env['FUZZ_REQUESTS'] ?? 20_000)
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_125)
const PROGRESS = 20_000
/** The maximum number of concurrent requests. */
const CONCURRENCY = 20

const strictVars = {
  REQUIRED_SCOPE: 'users',
  CORS_ORIGINS: 'https://app.example',
  KEEP_LAST_ADMINISTRATOR: 'true',
}
const workers = await startIdentity({
  identity: [{ name: 'plain' }, { name: 'strict', vars: strictVars }],
})
const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY })
afterAll(async () => {
  agent.destroy()
  await workers.stop()
})

const deletable: string[] = []
const fixture = await createFixture(workers.db, (seed, { organizationID }) => {
  for (let user = 0; user < 50; user += 1) deletable.push(seed.member(organizationID).userID)
})
const stranger = await createKey('ES256')
const requests = hostileRequests({
  organizationIDs: [fixture.organizationID, fixture.otherOrganizationID, 'absent'],
  userIDs: [...deletable, fixture.target.userID, fixture.targetElsewhere.userID, 'absent'],
  subjects: [
    fixture.administrator.person.subject,
    fixture.auditor.person.subject,
    fixture.platformAdministrator.subject,
    fixture.serviceAccount,
    'absent',
  ],
})
const statuses: Record<number, number> = {}
let reached = 0
/** Requests that the runtime rejects as invalid HTTP; the Worker has no 400. */
let rejected = 0

/** Sends a request to the byte: a client library would correct its path and its headers. */
async function send(request: HostileRequest): Promise<CallResponse> {
  const { method, path, host, body, worker, authorization } = request
  const headers: Record<string, string> = { Host: host, ...request.headers }
  if (typeof authorization === 'string') headers['Authorization'] = authorization
  else if (authorization !== null) {
    headers['Authorization'] = await writeToken(authorization, workers.issuer, stranger)
  }
  if (body !== null) headers['Content-Length'] = String(Buffer.byteLength(body))
  const { hostname, port } = workers.urlOf(worker)
  const outgoing = open({ hostname, port, method, path, headers, agent, setHost: false })
  outgoing.end(body ?? undefined)
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  const fields = Object.entries(incoming.headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  )
  const status = incoming.statusCode ?? 0
  return { status, headers: new Headers(fields), body: await text(incoming) }
}

async function checkRequest(request: HostileRequest): Promise<void> {
  const response = await send(request)
  // A 400 of the Worker would add a log line, which the last test counts.
  if (response.status === 400 && !response.headers.has('X-Request-Id')) {
    rejected += 1
    return
  }
  reached += 1
  statuses[response.status] = (statuses[response.status] ?? 0) + 1
  if (response.status >= 500) throw new Error(`${response.status} ${response.body}`)
  // If the header Host makes no valid URL, there is no path: 404.
  const url = URL.parse(`http://${request.host}${request.path}`) ?? new URL('http://any.example/')
  checkResponse({ method: request.method, path: url.href, ...response })
  const all = `${[...response.headers].join('\n')}\n${response.body}`
  if (all.includes(CANARY) || all.includes('eyJ')) {
    throw new Error(`a part of the token is in: ${all}`)
  }
}

const property = asyncProperty(
  array(requests, { minLength: 1, maxLength: CONCURRENCY, size: 'max' }),
  async (batch) => void (await Promise.all(batch.map(checkRequest))),
)

/** Sends requests until enough of them have reached the Worker. */
async function fuzz(seed: number): Promise<void> {
  // On average a batch is half full, and the runtime rejects some of its requests.
  const numRuns = Math.ceil((2 * Math.min(REQUESTS - reached, PROGRESS)) / CONCURRENCY)
  await assert(property, { seed, numRuns })
  if (reached >= REQUESTS) return
  if (REQUESTS > PROGRESS) console.log(`${reached} of ${REQUESTS} hostile requests`)
  await fuzz(seed + 1)
}

test(`${REQUESTS} hostile requests get described responses and no 5xx`, async () => {
  await fuzz(SEED)
  expect(reached).toBeGreaterThanOrEqual(REQUESTS)
  expect(rejected).toBeLessThan(reached / 5)
  for (const status of [200, 204, 401, 403, 404, 405]) {
    expect([status, (statuses[status] ?? 0) > 5]).toEqual([status, true])
  }
}, 3_600_000)

/** The members of a log line; those of an object have the object's name before them. */
const MEMBERS = new Set(
  `message requestID transport method route status error reason durationMs groupsRemoved traceID
   actor.kind actor.subject scope.organizationID scope.userID database.attempts database.sqlMs
   database.rowsRead database.rowsWritten database.region`.split(/\s+/),
)

/** A part of a token, SQL, an exception and its stack. */
const FORBIDDEN = [
  new RegExp(CANARY),
  /eyJ|Error|\bat .+\.js:\d/,
  /\b(?:select|insert|delete|update) (?:\*|into|from)\b/i,
]

function listMembers(value: object, prefix = ''): string[] {
  return Object.entries(value).flatMap(([name, member]: [string, unknown]) =>
    typeof member === 'object' && member !== null
      ? listMembers(member, `${prefix}${name}.`)
      : prefix + name,
  )
}

test('each request has one log line, which has the listed members only', async () => {
  await expect.poll(() => workers.log.length).toBe(reached)
  const invalid = workers.log.filter((line) => {
    const members = listMembers(JSON.parse(line) as object)
    return (
      FORBIDDEN.some((pattern) => pattern.test(line)) || members.some((name) => !MEMBERS.has(name))
    )
  })
  expect(invalid.slice(0, 10)).toEqual([])
})
