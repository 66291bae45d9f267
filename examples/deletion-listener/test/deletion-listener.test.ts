/**
 * The deletion listener, as its wrangler.toml says, on a real queue with retries and a dead-letter queue: it passes each
 * event on to a receiver that verifies it, and loses none to a receiver that fails.
 */
import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair } from 'jose'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { readWorker, type LocalWorker } from '../../../dev/local-workers.ts'
import {
  startReceiver,
  verifyToken,
  verifyWebhook,
  type Delivery,
  type Receiver,
} from '../run/receiver'
import { chooseDelay } from '../src/deliver'
import { readCodeSpans, readDocument } from '../../../test/operations/document'
import { bundleScript } from '../../../test/support/node/bundle'
import { call } from '../../../test/support/node/client'
import { serveIssuer, type ServedIssuer } from '../../../test/support/node/jwks-server'
import { startWorkers, type LocalWorkers } from '../../../test/support/node/local-workers'
import { createFixture } from '../../../test/support/fixture'

const EXAMPLE = 'examples/deletion-listener'
const listener = readWorker(`${EXAMPLE}/wrangler.toml`)
const [oldSecret = '', secret = ''] = [1, 2].map(
  (byte) => `whsec_${Buffer.alloc(24, byte).toString('base64')}`,
)
const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const publicJWK = await exportJWK(publicKey)
const TOKEN_SETTINGS = {
  SET_PRIVATE_KEY: JSON.stringify({ ...(await exportJWK(privateKey)), alg: 'ES256', kid: 'key-1' }),
  SET_ISSUER: 'https://identity.example',
  SET_AUDIENCE: 'https://receiver.example',
}

let receiver: Receiver
let tokenReceiver: Receiver
let issuer: ServedIssuer
let workers: LocalWorkers

/** An event whose ID decides how the receiver responds. */
function eventOf(id: string, userID = `user of ${id}`) {
  return {
    specversion: '1.0',
    id,
    type: 'dev.identity-worker.user.deleted',
    source: '/api/v1/organizations/acme',
    subject: userID,
    time: '2026-11-25T10:00:00.123Z',
    datacontenttype: 'application/json',
    data: { organizationID: 'acme', userID },
  }
}

function oversizedOf(id: string) {
  const { subject: _, ...event } = eventOf(id)
  return { ...event, source: '/api/v1/organizations', data: { deletionID: id } }
}

function respond({ id = 'status-401', attempt }: Delivery): Response | undefined {
  if (id === 'silence') return undefined
  if (id === 'busy' && attempt === 1) {
    return new Response(null, { status: 503, headers: { 'Retry-After': '7' } })
  }
  const [, status = id === 'not-moved' ? 410 : 204] = /^status-(\d+)$/.exec(id) ?? []
  return new Response(null, { status: Number(status), headers: { Location: '/elsewhere' } })
}

/** A listener as its configuration says, with a queue of its own name. The second attempt is the last. */
function configure(name: string, script: string, settings: object): LocalWorker {
  const { queueConsumers, bindings, ...options } = listener.options
  const { 'identity-deletions': consumer } = queueConsumers as Record<string, object>
  return {
    ...options,
    name,
    modules: true,
    script,
    bindings: { ...bindings, ...settings },
    queueConsumers: { [name]: { ...consumer, maxRetries: 1, maxBatchTimeout: 0 } },
    ...(name === 'without-dead-letters' ? { queueProducers: {} } : {}),
  }
}

/** Reads the dead-letter queue. */
const deadLetters: LocalWorker = {
  name: 'dead-letters',
  modules: true,
  script: `export default { queue({ messages }) {
    for (const { body } of messages) console.log(JSON.stringify({ message: 'dead_letter', body }))
  } }`,
  queueConsumers: { 'identity-deletions-dead-letters': { maxBatchTimeout: 0 } },
}

const valid = { WEBHOOK_URL: 'https://receiver.example/', WEBHOOK_SECRET: secret }
const validToken = { ...TOKEN_SETTINGS, WEBHOOK_URL: valid.WEBHOOK_URL }
const misconfigured: readonly [variable: string, fault: string, settings: object][] = [
  ['WEBHOOK_URL', 'is not set', { ...valid, WEBHOOK_URL: '' }],
  ['WEBHOOK_URL', 'is no URL', { ...valid, WEBHOOK_URL: 'receiver.example' }],
  ['WEBHOOK_URL', 'is not encrypted', { ...valid, WEBHOOK_URL: 'http://receiver.example/' }],
  ['WEBHOOK_URL', 'has a password', { ...valid, WEBHOOK_URL: 'https://:secret@receiver.example/' }],
  ['TIMEOUT_SECONDS', 'is zero', { ...valid, TIMEOUT_SECONDS: 0 }],
  ['TIMEOUT_SECONDS', 'is above a minute', { ...valid, TIMEOUT_SECONDS: 61 }],
  ['TIMEOUT_SECONDS', 'is no number', { ...valid, TIMEOUT_SECONDS: '15 s' }],
  ['WEBHOOK_SECRET', 'is not set', { ...valid, WEBHOOK_SECRET: '' }],
  ['WEBHOOK_SECRET', 'has no prefix', { ...valid, WEBHOOK_SECRET: secret.slice(6) }],
  ['WEBHOOK_SECRET', 'is short', { ...valid, WEBHOOK_SECRET: 'whsec_c2hvcnQ=' }],
  ['WEBHOOK_SECRET', 'is not base64', { ...valid, WEBHOOK_SECRET: `whsec_${'?'.repeat(32)}` }],
  ['SET_PRIVATE_KEY', 'is not JSON', { ...validToken, SET_PRIVATE_KEY: '{' }],
  ['SET_PRIVATE_KEY', 'is public', { ...validToken, SET_PRIVATE_KEY: JSON.stringify(publicJWK) }],
  ['SET_ISSUER', 'is not set', { ...validToken, SET_ISSUER: '' }],
  ['SET_AUDIENCE', 'is not set', { ...validToken, SET_AUDIENCE: '' }],
]

beforeAll(async () => {
  receiver = await startReceiver(verifyWebhook(secret), respond)
  tokenReceiver = await startReceiver(
    verifyToken(publicJWK, TOKEN_SETTINGS.SET_ISSUER, TOKEN_SETTINGS.SET_AUDIENCE),
    ({ id = 'status-400', ...delivery }) => respond({ id, ...delivery }),
  )
  const listeners: Record<string, object> = {
    'identity-deletions': {
      WEBHOOK_URL: receiver.url,
      WEBHOOK_SECRET: `${secret} ${oldSecret}`,
      TIMEOUT_SECONDS: 1,
    },
    'without-dead-letters': { ...valid, WEBHOOK_URL: receiver.url },
    unreachable: { ...valid, WEBHOOK_URL: 'http://127.0.0.1:1/' },
    'other-secret': { WEBHOOK_URL: receiver.url, WEBHOOK_SECRET: oldSecret },
    tokens: { ...TOKEN_SETTINGS, WEBHOOK_URL: tokenReceiver.url },
    'other-audience': { ...TOKEN_SETTINGS, WEBHOOK_URL: tokenReceiver.url, SET_AUDIENCE: 'other' },
  }
  for (const [variable, fault, settings] of misconfigured) {
    listeners[`${variable} ${fault}`] = settings
  }
  issuer = await serveIssuer()
  const script = await bundleScript({ entryPoints: [listener.main] })
  const queues = Object.fromEntries(Object.keys(listeners).map((name) => [name, name]))
  const queueProducers = { ...queues, DELETION_EVENTS: 'identity-deletions' }
  workers = await startWorkers({
    identity: [{ vars: { ...issuer.vars, RECORD_GROUPS: true }, queueProducers }],
    others: [
      deadLetters,
      ...Object.entries(listeners).map(([name, settings]) => configure(name, script, settings)),
    ],
  })
})

afterAll(async () => {
  await workers.stop()
  receiver.stop()
  tokenReceiver.stop()
  await issuer.stop()
})

/** Puts events on a listener's queue, as the binding DELETION_EVENTS does. */
async function send(event: unknown, queue = 'identity-deletions'): Promise<void> {
  await (await workers.queueOf('identity', queue)).send(event)
}

interface Line {
  readonly message: string
  readonly eventID?: string
  readonly body?: unknown
}

const readLines = () => workers.log.map((line) => JSON.parse(line) as Line)
const readFailures = (id: string) => readLines().filter(({ eventID }) => eventID === id)
const readDeadLetters = () =>
  readLines().flatMap(({ message, body }) => (message === 'dead_letter' ? [body] : []))
const deliveriesOf = (id: string, to = receiver) => to.deliveries.filter((one) => one.id === id)

/** Waits until the expectations hold, through the delay of a retry. */
const eventually = (check: () => void) => vi.waitFor(check, { timeout: 30_000, interval: 50 })

function failure(eventID: string, attempt: number, facts: object) {
  return { message: 'delivery_failed', eventID, attempt, ...facts }
}
const delay = (from: number, to: number) =>
  expect.toSatisfy((s: number) => from <= s && s <= to) as number

/** The names of the members of an event. */
const membersOf = (event: { data: object }) =>
  [event, event.data].map((o) => Object.keys(o).toSorted())

describe.concurrent('a webhook', () => {
  test('gets the event of a deletion, with the members that the document shows', async () => {
    const { target, administrator, auditors, readers } = await createFixture(workers.db)
    const token = await issuer.token(administrator.person.subject)
    expect(await call(workers.url, { ...target, token })).toMatchObject({ status: 200 })
    await eventually(() => expect(receiver.seats.deleted).toContain(target.userID))
    const { id } = receiver.accepted.find(({ userID }) => userID === target.userID)!
    const event = JSON.parse(deliveriesOf(id).at(0)!.body) as ReturnType<typeof eventOf>
    const example = (await readDocument('docs/events.md')).section('The event').code.at(0)
    expect(membersOf(event)).toEqual(membersOf(JSON.parse(example!.text) as { data: object }))
    expect(event.data).toMatchObject({
      organizationID: target.organizationID,
      personID: target.person.id,
      actor: { kind: 'user', subject: administrator.person.subject },
      groupIDs: expect.toSatisfy((ids: string[]) =>
        [auditors, readers].every((group) => ids.includes(group)),
      ) as string[],
    })
  })

  test('gets the event as it is, with an ID, the time and a signature for each secret', async () => {
    const event = eventOf('accepted')
    receiver.addUser(event.data.userID)
    await send(event)
    await eventually(() => expect(deliveriesOf('accepted')).toHaveLength(1))
    const { headers, body } = deliveriesOf('accepted').at(0)!
    expect(body).toBe(JSON.stringify(event))
    const timestamp = String(headers['webhook-timestamp'])
    const signatures = [secret, oldSecret].map((text) => {
      const key = Buffer.from(text.slice('whsec_'.length), 'base64')
      return `v1,${createHmac('sha256', key).update(`accepted.${timestamp}.${body}`).digest('base64')}`
    })
    expect(headers).toMatchObject({
      'content-type': 'application/cloudevents+json',
      'webhook-id': 'accepted',
      'webhook-signature': signatures.join(' '),
    })
    expect(receiver.seats.taken).not.toContain(event.data.userID)
    expect(readFailures('accepted')).toEqual([])
  })

  test('gets an event of 100,000 bytes, and one that names the record alone', async () => {
    const large = eventOf('large', 'é'.repeat(24_900))
    const oversized = oversizedOf('oversized')
    await send(large)
    await send(oversized)
    await eventually(() => expect(deliveriesOf('oversized')).toHaveLength(1))
    await eventually(() => expect(deliveriesOf('large')).toHaveLength(1))
    expect(deliveriesOf('large')[0]?.body).toBe(JSON.stringify(large))
    expect(deliveriesOf('oversized')[0]?.body).toBe(JSON.stringify(oversized))
  })

  test('that is busy gets the event again, after the time it asks for, with the same ID', async () => {
    const event = eventOf('busy')
    await send(event)
    await eventually(() => expect(deliveriesOf('busy')).toHaveLength(2))
    const [first, second] = deliveriesOf('busy')
    expect(second?.body).toBe(first?.body)
    expect(second?.headers['webhook-id']).toBe('busy')
    expect(second?.headers['webhook-timestamp']).not.toBe(first?.headers['webhook-timestamp'])
    const facts = { cause: 'receiver_failed', status: 503, delaySeconds: delay(7, 8) }
    expect(readFailures('busy')).toEqual([failure('busy', 1, facts)])
    expect(receiver.seats.deleted).toContain(event.data.userID)
  })

  test('that gets a copy drops it by its ID', async () => {
    await send(eventOf('copied'))
    await send(eventOf('copied'))
    await eventually(() => expect(deliveriesOf('copied')).toHaveLength(2))
    const [first, second] = deliveriesOf('copied')
    expect(second?.body).toBe(first?.body)
    const events = receiver.accepted.filter(({ id }) => id === 'copied')
    expect(events).toHaveLength(1)
  })

  test.each([
    ['status-500', { cause: 'receiver_failed', status: 500 }],
    ['status-404', { cause: 'receiver_failed', status: 404 }],
    ['status-400', { cause: 'receiver_failed', status: 400 }],
    ['status-302', { cause: 'receiver_redirects', status: 302 }],
    ['silence', { cause: 'timeout' }],
    ['unreachable', { cause: 'connection_failed' }, 'unreachable'],
    ['refused', { cause: 'receiver_failed', status: 401 }, 'other-secret'],
  ])('that fails by %s gets the event until the last attempt', async (id, facts, listener?) => {
    const event = eventOf(id)
    await send(event, listener)
    await eventually(() => expect(readDeadLetters()).toContainEqual(event))
    expect(readFailures(id)).toEqual([
      failure(id, 1, { ...facts, delaySeconds: delay(5, 6) }),
      failure(id, 2, { ...facts, delaySeconds: delay(20, 22) }),
    ])
    expect(receiver.seats.deleted).not.toContain(event.data.userID)
  })

  test('that is gone gets the event once', async () => {
    const event = eventOf('status-410')
    await send(event)
    await eventually(() => expect(readDeadLetters()).toContainEqual(event))
    const facts = { cause: 'receiver_gone', status: 410 }
    expect(readFailures('status-410')).toEqual([failure('status-410', 1, facts)])
  })

  test('that is gone gets the event once more if it cannot be moved', async () => {
    const event = eventOf('not-moved')
    await send(event, 'without-dead-letters')
    await eventually(() => expect(readDeadLetters()).toContainEqual(event))
    expect(deliveriesOf('not-moved')).toHaveLength(2)
  })

  test.each([
    ['a text', 'gone'],
    ['no event', { message: 'hello' }],
    ['an event of another version', { ...eventOf('old'), specversion: '0.3' }],
    ['an ID that is no text', { ...eventOf(''), id: 17 }],
    ['an empty ID', eventOf('')],
    ['a dot in the ID', eventOf('a.b')],
    ['an ID that no header can hold', eventOf('é\n')],
  ])('never gets what is no event: %s', async (_, body) => {
    await send(body)
    await eventually(() => expect(readDeadLetters()).toContainEqual(body))
    const { id: eventID } = Object(body) as { readonly id?: unknown }
    const line = { message: 'delivery_failed', eventID, attempt: 1, cause: 'event_malformed' }
    expect(readLines()).toContainEqual(line)
    expect(receiver.deliveries.map((delivery) => delivery.body)).not.toContain(JSON.stringify(body))
  })
})

describe.concurrent('a receiver of Security Event Tokens', () => {
  test('gets a signed token that names the deleted user', async () => {
    const event = eventOf('token', 'Ü/7')
    await send(event, 'tokens')
    await eventually(() => expect(deliveriesOf('token', tokenReceiver)).toHaveLength(1))
    const { headers, body } = deliveriesOf('token', tokenReceiver).at(0)!
    expect(headers['content-type']).toBe('application/secevent+jwt')
    expect(decodeProtectedHeader(body)).toEqual({ typ: 'secevent+jwt', alg: 'ES256', kid: 'key-1' })
    expect(decodeJwt(body)).toEqual({
      iss: 'https://identity.example',
      aud: 'https://receiver.example',
      iat: expect.any(Number) as number,
      jti: 'token',
      txn: 'token',
      toe: 1_795_600_800.123,
      sub_id: { format: 'scim', uri: '/Users/%C3%9C%2F7' },
      events: { 'urn:ietf:params:scim:event:prov:delete': {} },
    })
    expect(tokenReceiver.seats.deleted).toContain('Ü/7')
    expect(readFailures('token')).toEqual([])
  })

  test.each([
    [
      'a refused token',
      'other-audience',
      eventOf('other-audience'),
      { cause: 'token_refused', status: 400 },
    ],
    [
      'an event without a user',
      'tokens',
      oversizedOf('no-user'),
      { cause: 'event_without_subject' },
    ],
  ])('never gets %s again', async (_, listener, event, facts) => {
    await send(event, listener)
    await eventually(() => expect(readDeadLetters()).toContainEqual(event))
    expect(readFailures(event.id)).toEqual([failure(event.id, 1, facts)])
  })
})

test.for(misconfigured.map(([variable, fault]) => `${variable} ${fault}`))(
  'names a setting that is not valid: %s',
  async (listener) => {
    const id = listener.replaceAll(' ', '-')
    await send(eventOf(id), listener)
    const cause = `configuration:${listener.split(' ')[0]}`
    const line = failure(id, 1, { cause, delaySeconds: delay(5, 6) })
    await eventually(() => expect(readFailures(id)).toEqual([line]))
  },
)

test('waits four times as long after each attempt, up to 12 hours, and as long as it is asked to', () => {
  const delays = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((attempt) => chooseDelay(attempt, 0))
  const shortest = [5, 20, 80, 320, 1_280, 5_120, 20_480, 43_200, 43_200]
  expect(delays).toEqual(shortest.map((seconds) => delay(seconds, Math.ceil(seconds * 1.1))))
  expect(chooseDelay(1, 600)).toEqual(delay(600, 660))
  expect(chooseDelay(1, 1e9)).toEqual(delay(43_200, 47_520))
  expect(chooseDelay(1, -5)).toEqual(delay(5, 6))
  const total = delays.slice(0, 8).reduce((sum, seconds) => sum + seconds)
  expect(total * 1.1).toBeLessThan(24 * 3_600) // a queue on the Free plan keeps a message for a day
})

test('the README has every cause that the source can log', async () => {
  const source = await readFile(`${EXAMPLE}/src/deliver.ts`, 'utf8')
  const causes = Array.from(
    source.matchAll(/'(?!cause')([a-z]+_\w+|timeout)'/g),
    ([, cause]) => cause,
  )
  const readme = await readDocument(`${EXAMPLE}/README.md`)
  const { rows } = readme.section('When a delivery fails').tables.at(0)!
  const described = rows.flatMap(([cell = '']) => readCodeSpans(cell))
  expect(new Set(described)).toEqual(new Set([...causes, 'configuration:NAME']))
})
