/**
 * Tens of thousands of drawn requests with odd methods, paths, headers and tokens. Each gets a response that
 * docs/openapi.yaml describes, and no 5xx; it has one log line with the listed members. No part of a token, no SQL and no
 * stack is in a response or a line.
 *
 * FUZZ_REQUESTS is the number of requests, FUZZ_SEED the seed.
 */
import { array, assert, asyncProperty } from 'fast-check'
import { Agent } from 'node:http'
import { afterAll, expect, test } from 'vitest'
import { createKey } from '../../dev/test-keys.ts'
import { serveIssuer } from '../support/node/jwks-server'
import { startWorkers } from '../support/node/local-workers'
import { checkResponse } from '../support/openapi'
import { createFixture } from '../support/fixture'
import { hostileRequests, type HostileRequest } from './hostile/requests'
import { send } from './hostile/send'
import { CANARY, makeToken } from './hostile/tokens'
import { connectDatabase, DATABASE_WORKER } from './harness/direct-database'

const REQUESTS = Number(process.env['FUZZ_REQUESTS'] ?? 20_000)
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_125)
const PROGRESS = 20_000
/** How many at once, at most. */
const AT_ONCE = 20

const issuer = await serveIssuer()
const workers = await startWorkers({
  identity: [
    { name: 'plain', vars: { ...issuer.vars } },
    {
      name: 'strict',
      vars: {
        ...issuer.vars,
        REQUIRED_SCOPE: 'users',
        CORS_ORIGINS: 'https://app.example',
        KEEP_LAST_ADMINISTRATOR: 'true',
      },
    },
  ],
  others: [DATABASE_WORKER],
})
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
afterAll(async () => {
  agent.destroy()
  await workers.stop()
  await issuer.stop()
})

const deletable: string[] = []
const fixture = await createFixture(
  connectDatabase(workers.urlOf(DATABASE_WORKER.name)),
  (seed, { organizationID }) => {
    for (let user = 0; user < 50; user += 1) deletable.push(seed.member(organizationID).userID)
  },
)
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
/** Requests that the runtime refused as no HTTP; the Worker has no 400. */
let refused = 0

async function judge(request: HostileRequest): Promise<void> {
  const { authorization: how } = request
  const authorization =
    how === null || typeof how === 'string'
      ? how
      : how.before + (await makeToken(how.shape, issuer, stranger)) + how.after
  const response = await send(workers.urlOf(request.worker), agent, request, authorization)
  // A 400 of the Worker would add a log line, which the last test counts.
  if (response.status === 400 && !response.headers.has('X-Request-Id')) {
    refused += 1
    return
  }
  reached += 1
  statuses[response.status] = (statuses[response.status] ?? 0) + 1
  if (response.status >= 500) throw new Error(`${response.status} ${response.body}`)
  // A Host that makes no URL leaves no path: 404.
  const url = URL.parse(`http://${request.host}${request.path}`) ?? new URL('http://any.example/')
  checkResponse({ method: request.method, path: url.href, ...response })
  const text = `${[...response.headers].join('\n')}\n${response.body}`
  if (text.includes(CANARY) || text.includes('eyJ'))
    throw new Error(`a part of the token is in: ${text}`)
}

const property = asyncProperty(
  array(requests, { minLength: 1, maxLength: AT_ONCE, size: 'max' }),
  async (batch) => {
    await Promise.all(batch.map(judge))
  },
)

/** Sends requests until enough of them have reached the Worker. */
async function fuzz(seed: number): Promise<void> {
  // On average a batch is half full, and the runtime refuses some of its requests.
  const numRuns = Math.ceil((2 * Math.min(REQUESTS - reached, PROGRESS)) / AT_ONCE)
  await assert(property, { seed, numRuns })
  if (reached >= REQUESTS) return
  if (REQUESTS > PROGRESS) console.log(`${reached} of ${REQUESTS} hostile requests`)
  await fuzz(seed + 1)
}

test(`${REQUESTS} hostile requests get described responses, and no 5xx`, async () => {
  await fuzz(SEED)
  expect(reached).toBeGreaterThanOrEqual(REQUESTS)
  expect(refused).toBeLessThan(reached / 5)
  // The requests get beyond the first check.
  for (const status of [200, 204, 401, 403, 404, 405]) {
    expect([status, (statuses[status] ?? 0) > 5]).toEqual([status, true])
  }
}, 3_600_000)

/** The members of a log line; objects with theirs. */
const MEMBERS: Readonly<Record<string, readonly string[] | null>> = {
  ...Object.fromEntries(
    'message requestID transport method route status error reason durationMs groupsRemoved traceID'
      .split(' ')
      .map((name) => [name, null]),
  ),
  actor: ['kind', 'subject'],
  scope: ['organizationID', 'userID'],
  database: ['attempts', 'sqlMs', 'rowsRead', 'rowsWritten', 'region'],
}

/** A part of a token, SQL, an exception and its stack. */
const FORBIDDEN = [
  new RegExp(CANARY),
  /eyJ/,
  /\b(select|insert|delete|update) (\*|into|from)\b/i,
  /\bat .+\.js:\d/,
  /Error/,
]

/** What a log line may not have. */
function findForbidden(text: string): string[] {
  const members = Object.entries(JSON.parse(text) as Readonly<Record<string, object>>)
  const unknown = members.flatMap(([name, value]) => {
    const known = MEMBERS[name]
    if (known === undefined) return [name]
    return known === null ? [] : Object.keys(value).filter((member) => !known.includes(member))
  })
  const found = FORBIDDEN.filter((pattern) => pattern.test(text)).map(({ source }) => source)
  return [...unknown, ...found].map((what) => `${what} in ${text}`)
}

test('each of them has one log line, with the listed members alone', async () => {
  await expect.poll(() => workers.log.length).toBe(reached)
  expect(workers.log.flatMap((line) => findForbidden(line)).slice(0, 10)).toEqual([])
})
