/**
 * The keys as deployed: real isolates that share one Cache API, real sockets to the issuer, a real service binding, and
 * requests that end before what they began.
 */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { after, hang, heldBack, redirectTo, withBody } from '../support/jwks-answers'
import { call } from '../support/node/client'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import {
  startWorkers,
  type LocalWorkers,
  type LocalWorkersOptions,
} from '../support/node/local-workers'

const NOBODY = { organizationID: 'o', userID: 'u' }
/** The token was judged and was good; that its subject is nobody says the database. */
const JUDGED = 'caller_unknown'

const running: { stop(): Promise<void> }[] = []

afterEach(async () => {
  for (const started of running.splice(0).toReversed()) await started.stop()
})

async function start(
  options: (issuer: ServedIssuer) => LocalWorkersOptions,
): Promise<{ issuer: ServedIssuer; workers: LocalWorkers }> {
  const issuer = await serveIssuer()
  running.push(issuer)
  const workers = await startWorkers(options(issuer))
  running.push(workers)
  return { issuer, workers }
}

const one = (issuer: ServedIssuer) => ({ identity: [{ vars: { ...issuer.vars } }] })

/** Presents a good token and says what the log says of it. */
async function present(workers: LocalWorkers, url: URL, token: string): Promise<unknown> {
  const { headers } = await call(url, { ...NOBODY, token })
  const requestID = headers.get('X-Request-Id') ?? ''
  const line = workers.log.find((text) => text.includes(requestID))
  return (JSON.parse(line ?? '{}') as { reason?: string }).reason
}

test('two isolates of one location fetch the keys once', async () => {
  const { issuer, workers } = await start(({ vars }) => ({
    identity: [
      { name: 'first', vars: { ...vars } },
      { name: 'second', vars: { ...vars } },
    ],
  }))
  const token = await issuer.token('a stranger')
  expect(await present(workers, workers.urlOf('first'), token)).toBe(JUDGED)
  expect(await present(workers, workers.urlOf('second'), token)).toBe(JUDGED)
  expect(issuer.endpoint.requests).toHaveLength(1)
})

test('fifty calls of a cold isolate fetch the keys once', async () => {
  const { issuer, workers } = await start(one)
  issuer.endpoint.answer = after(100, withBody(issuer.jwks()))
  const token = await issuer.token('a stranger')
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => call(workers.url, { ...NOBODY, token })),
  )
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]))
  expect(issuer.endpoint.requests).toHaveLength(1)
})

test('the issuer can be bound as a service', async () => {
  const { issuer, workers } = await start(({ vars }) => ({
    identity: [
      {
        vars: { ...vars, JWKS_URL: 'http://issuer.internal/keys' },
        serviceBindings: { ISSUER: 'issuer' },
      },
    ],
    others: [
      {
        name: 'issuer',
        modules: true,
        compatibilityDate: '2026-10-01',
        script: `export default { fetch: (request) => fetch(new URL(new URL(request.url).pathname, ${JSON.stringify(vars.JWKS_URL)})) }`,
      },
    ],
  }))
  expect(await present(workers, workers.url, await issuer.token('a stranger'))).toBe(JUDGED)
  expect(issuer.endpoint.requests.map(({ url }) => new URL(url).pathname)).toEqual(['/keys'])
})

describe('over a real socket', () => {
  test('a redirect is not followed', async () => {
    const { issuer, workers } = await start(one)
    issuer.endpoint.answer = redirectTo(`${issuer.vars.JWKS_URL}/moved`)
    expect(await present(workers, workers.url, await issuer.token('a stranger'))).toBe(
      'jwks_unavailable',
    )
    expect(issuer.endpoint.requests).toHaveLength(1)
  })

  test('an issuer that hangs is given up, and asked again after the second in Retry-After', async () => {
    const { issuer, workers } = await start(one)
    issuer.endpoint.answer = hang
    const token = await issuer.token('a stranger')
    expect(await present(workers, workers.url, token)).toBe('jwks_unavailable')
    issuer.endpoint.answer = withBody(issuer.jwks())
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(await present(workers, workers.url, token)).toBe(JUDGED)
  })
})

test('a call that left while the keys were fetched does not hold up the next one', async () => {
  const { issuer, workers } = await start(one)
  const { answer, release } = heldBack(withBody(issuer.jwks()))
  issuer.endpoint.answer = answer
  const token = await issuer.token('a stranger')
  const leaving = new AbortController()
  const left = call(workers.url, { ...NOBODY, token, signal: leaving.signal })
  await vi.waitUntil(() => issuer.endpoint.requests.length > 0)
  leaving.abort()
  await left.catch(() => undefined)
  const next = present(workers, workers.url, token)
  release()
  expect(await next).toBe(JUDGED)
})
