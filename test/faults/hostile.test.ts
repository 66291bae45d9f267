/**
 * Tens of thousands of requests as nobody should send them. Whatever is sent: no 5xx, an answer that docs/openapi.yaml
 * describes, one log line of the members that it may have, and nothing of a token, of SQL or of a stack in any of it.
 *
 * FUZZ_REQUESTS says how many, FUZZ_SEED where to begin.
 */
import { array, assert, asyncProperty } from 'fast-check'
import { Agent } from 'node:http'
import { afterAll, expect, test } from 'vitest'
import { createKey } from '../support/keys'
import { serveIssuer } from '../support/node/jwks-server'
import { startWorkers } from '../support/node/local-workers'
import { checkAnswer } from '../support/openapi'
import { createWorld } from '../support/world'
import { hostileRequests, type HostileRequest } from './hostile/requests'
import { send } from './hostile/send'
import { CANARY, makeToken } from './hostile/tokens'
import { findForbidden } from './hostile/log-line'
import { connectDatabase, DATABASE_WORKER } from './rig/direct-database'

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
const world = await createWorld(
  connectDatabase(workers.urlOf(DATABASE_WORKER.name)),
  (seed, { organizationID }) => {
    for (let user = 0; user < 50; user += 1) deletable.push(seed.member(organizationID).userID)
  },
)
const stranger = await createKey('ES256')
const requests = hostileRequests({
  organizationIDs: [world.organizationID, world.otherOrganizationID, 'nowhere'],
  userIDs: [...deletable, world.target.userID, world.targetElsewhere.userID, 'nobody'],
  subjects: [
    world.administrator.person.subject,
    world.auditor.person.subject,
    world.platformAdministrator.subject,
    world.serviceAccount,
    'nobody',
  ],
})
const statuses: Record<number, number> = {}
let reached = 0
/** By the runtime, for which it was no HTTP after all: the Worker, which knows no 400, has not seen it. */
let refused = 0

async function judge(request: HostileRequest): Promise<void> {
  const { authorization: how } = request
  const authorization =
    how.kind === 'token'
      ? how.before + (await makeToken(how.shape, issuer, stranger)) + how.after
      : how.kind === 'text'
        ? how.text
        : null
  const answer = await send(workers.urlOf(request.worker), agent, request, authorization)
  // Had the Worker answered so, the count of its log lines would tell.
  if (answer.status === 400 && !answer.headers.has('X-Request-Id')) {
    refused += 1
    return
  }
  reached += 1
  statuses[answer.status] = (statuses[answer.status] ?? 0) + 1
  if (answer.status >= 500) throw new Error(`${answer.status} ${answer.body}`)
  // A Host that makes no URL leaves no path, so it can be none of ours.
  const url = URL.parse(`http://${request.host}${request.path}`) ?? new URL('http://any.example/')
  checkAnswer({ method: request.method, path: url.href, ...answer })
  const text = `${[...answer.headers].join('\n')}\n${answer.body}`
  if (text.includes(CANARY) || text.includes('eyJ')) throw new Error(`it tells the token: ${text}`)
}

const property = asyncProperty(
  array(requests, { minLength: 1, maxLength: AT_ONCE, size: 'max' }),
  async (batch) => {
    await Promise.all(batch.map(judge))
  },
)

/** Sends requests until enough of them have reached the Worker. */
async function fuzz(seed: number): Promise<void> {
  // A batch holds half of what it may on average, and a few of its requests do not get beyond the runtime.
  const numRuns = Math.ceil((2 * Math.min(REQUESTS - reached, PROGRESS)) / AT_ONCE)
  await assert(property, { seed, numRuns })
  if (reached >= REQUESTS) return
  if (REQUESTS > PROGRESS) console.log(`${reached} of ${REQUESTS} hostile requests`)
  await fuzz(seed + 1)
}

test(`${REQUESTS} hostile requests get answers that are described, and no 5xx`, async () => {
  await fuzz(SEED)
  expect(reached).toBeGreaterThanOrEqual(REQUESTS)
  expect(refused).toBeLessThan(reached / 5)
  // Else the requests were so odd that they never got beyond the first check.
  for (const status of [200, 204, 401, 403, 404, 405]) {
    expect([status, (statuses[status] ?? 0) > 5]).toEqual([status, true])
  }
}, 3_600_000)

test('each of them has one log line, and none says more than it may', async () => {
  await expect.poll(() => workers.log.length).toBe(reached)
  expect(workers.log.flatMap((line) => findForbidden(line, CANARY)).slice(0, 10)).toEqual([])
})
