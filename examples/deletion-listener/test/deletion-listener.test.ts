/**
 * The deletion listener, as its wrangler.toml says, on a real queue with retries and a dead-letter queue: it passes each
 * event on to a receiver, and loses none when the receiver fails.
 */
import { decodeJwt, exportJWK, generateKeyPair, jwtVerify } from 'jose'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { readWorker, type LocalWorker } from '../../../dev/local-workers.ts'
import { readCodeSpans, readDocument } from '../../../test/operations/document'
import { createFixture } from '../../../test/support/fixture'
import { bundleScript } from '../../../test/support/node/bundle'
import { call } from '../../../test/support/node/client'
import { startWithIssuer } from '../../../test/support/node/local-workers'
import * as receivers from '../run/receiver'
import { CAUSES, chooseDelay } from '../src/deliver'

const EXAMPLE = 'examples/deletion-listener'
const QUEUE = 'identity-deletions'
const [oldSecret = '', secret = ''] = [1, 2].map(
  (byte) => `whsec_${Buffer.alloc(24, byte).toString('base64')}`,
)
const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
const publicJWK = await exportJWK(publicKey)
const tokenSettings = {
  SET_PRIVATE_KEY: JSON.stringify({ ...(await exportJWK(privateKey)), alg: 'ES256', kid: 'key-1' }),
  SET_ISSUER: 'https://identity.example',
  SET_AUDIENCE: 'https://receiver.example',
}

/** An event; its ID decides how the receiver responds. */
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

function respond({ id = 'status-401', attempt }: Pick<receivers.Delivery, 'id' | 'attempt'>) {
  if (id === 'silence') return undefined
  if (id === 'busy' && attempt === 1) {
    return new Response(null, { status: 503, headers: { 'Retry-After': '7' } })
  }
  const [, status = id === 'not-moved' ? 410 : 204] = /^status-(\d+)/.exec(id) ?? []
  return new Response(null, { status: Number(status), headers: { Location: '/elsewhere' } })
}

const valid = { WEBHOOK_URL: 'https://receiver.example/', WEBHOOK_SECRET: secret }
const validToken = { ...tokenSettings, WEBHOOK_URL: valid.WEBHOOK_URL }
const misconfigured: Readonly<Record<string, object>> = {
  'WEBHOOK_URL is not set': { ...valid, WEBHOOK_URL: '' },
  'WEBHOOK_URL is not a URL': { ...valid, WEBHOOK_URL: 'receiver.example' },
  'WEBHOOK_URL is not encrypted': { ...valid, WEBHOOK_URL: 'http://receiver.example/' },
  'WEBHOOK_URL has a password': { ...valid, WEBHOOK_URL: 'https://:secret@receiver.example/' },
  'TIMEOUT_SECONDS is zero': { ...valid, TIMEOUT_SECONDS: 0 },
  'TIMEOUT_SECONDS is above a minute': { ...valid, TIMEOUT_SECONDS: 61 },
  'TIMEOUT_SECONDS is not a number': { ...valid, TIMEOUT_SECONDS: '15 s' },
  'WEBHOOK_SECRET is not set': { ...valid, WEBHOOK_SECRET: '' },
  'WEBHOOK_SECRET has no prefix': { ...valid, WEBHOOK_SECRET: secret.slice(6) },
  'WEBHOOK_SECRET is short': { ...valid, WEBHOOK_SECRET: 'whsec_c2hvcnQ=' },
  'WEBHOOK_SECRET is not base64': { ...valid, WEBHOOK_SECRET: `whsec_${'?'.repeat(32)}` },
  'SET_PRIVATE_KEY is not JSON': { ...validToken, SET_PRIVATE_KEY: '{' },
  'SET_PRIVATE_KEY is public': { ...validToken, SET_PRIVATE_KEY: JSON.stringify(publicJWK) },
  'SET_ISSUER is not set': { ...validToken, SET_ISSUER: '' },
  'SET_AUDIENCE is not set': { ...validToken, SET_AUDIENCE: '' },
}

/** The listener with a queue for each settings, named after them. Its second attempt is the last. */
async function buildListeners(settings: Readonly<Record<string, object>>): Promise<LocalWorker[]> {
  const { main, options } = readWorker(`${EXAMPLE}/wrangler.toml`)
  const { [QUEUE]: consumer } = options.queueConsumers as Record<string, object>
  const script = await bundleScript({ entryPoints: [main] })
  return Object.entries(settings).map(([name, bindings]) => {
    const own = {
      name,
      modules: true,
      script,
      bindings: { ...options.bindings, ...bindings },
      queueConsumers: { [name]: { ...consumer, maxRetries: 1, maxBatchTimeout: 0 } },
      ...(name === 'without-dead-letters' && { queueProducers: {} }),
    }
    return Object.assign({}, options, own)
  })
}

/** Logs what arrives in the dead-letter queue. */
const deadLetters: LocalWorker = {
  name: 'dead-letters',
  modules: true,
  script: `export default { queue({ messages }) {
    for (const { body } of messages) console.log(JSON.stringify({ message: 'dead_letter', body }))
  } }`,
  queueConsumers: { [`${QUEUE}-dead-letters`]: { maxBatchTimeout: 0 } },
}

const verifyWebhook = receivers.verifyWebhook(secret)
const receiver = await receivers.startReceiver((body, headers) => {
  if (headers['content-type'] !== 'application/secevent+jwt') return verifyWebhook(body, headers)
  return Promise.resolve({ id: String(decodeJwt(body).jti), userID: undefined })
}, respond)
const WEBHOOK_URL = receiver.url
const settings = {
  [QUEUE]: { WEBHOOK_URL, WEBHOOK_SECRET: `${secret} ${oldSecret}`, TIMEOUT_SECONDS: 1 },
  'without-dead-letters': { ...valid, WEBHOOK_URL },
  unreachable: { ...valid, WEBHOOK_URL: 'http://127.0.0.1:1/' },
  'other-secret': { WEBHOOK_URL, WEBHOOK_SECRET: oldSecret },
  tokens: { ...tokenSettings, WEBHOOK_URL },
  ...misconfigured,
}
const queues = Object.fromEntries(Object.keys(settings).map((name) => [name, name]))
const queueProducers = { ...queues, DELETION_EVENTS: QUEUE }
const workers = await startWithIssuer(async () => ({
  identity: [{ vars: { RECORD_GROUPS: true }, queueProducers }],
  others: [deadLetters, ...(await buildListeners(settings))],
}))
const { issuer } = workers
afterAll(async () => {
  await workers.stop()
  receiver.stop()
})

/** Puts an event on the queue of a listener. */
async function send(event: unknown, queue = QUEUE): Promise<void> {
  await (await workers.queueOf('identity', queue)).send(event)
}

/** Waits until the expectations hold, at least for the delay of one retry. */
const eventually = (check: () => void) => vi.waitFor(check, { timeout: 30_000, interval: 50 })
const deliveriesOf = (id: string) => receiver.deliveries.filter((one) => one.id === id)

type Line = Readonly<Record<string, unknown>>
const readLines = () => workers.log.map((line) => JSON.parse(line) as Line)
const readFailures = (id: string) => readLines().filter(({ eventID }) => eventID === id)
const failure = (eventID: unknown, attempt: number, facts: object) => {
  return { message: 'delivery_failed', eventID, attempt, ...facts }
}
const delay = (from: number, to: number) =>
  expect.toSatisfy((s: number) => from <= s && s <= to) as number

/** Waits until the event is in the dead-letter queue. */
async function expectDeadLetter(body: unknown): Promise<void> {
  await eventually(() => expect(readLines()).toContainEqual({ message: 'dead_letter', body }))
}

/** The names of the members of an event. */
const membersOf = (event: { data: object }) =>
  [event, event.data].map((o) => Object.keys(o).toSorted())

describe.concurrent('a webhook', () => {
  test('gets the event of a deletion, with the members that the document shows', async () => {
    const { target, administrator } = await createFixture(workers.db)
    const token = await issuer.token(administrator.person.subject)
    expect(await call(workers.url, { ...target, token })).toMatchObject({ status: 200 })
    await eventually(() => expect(receiver.seats().deleted).toContain(target.userID))
    const { id } = receiver.accepted.find(({ userID }) => userID === target.userID)!
    const event = JSON.parse(deliveriesOf(id).at(0)!.body) as ReturnType<typeof eventOf>
    const example = (await readDocument('docs/events.md')).section('The event').code.at(0)!
    expect(membersOf(event)).toEqual(membersOf(JSON.parse(example.text) as { data: object }))
  })

  test('gets the event unchanged, with an ID, the time and a signature for each secret', async () => {
    const event = eventOf('accepted')
    receiver.addUser(event.data.userID)
    await send(event)
    await eventually(() => expect(deliveriesOf('accepted')).toHaveLength(1))
    const { headers, body } = deliveriesOf('accepted').at(0)!
    expect(body).toBe(JSON.stringify(event))
    expect(headers['content-type']).toBe('application/cloudevents+json')
    for (const each of [secret, oldSecret]) {
      const verify = receivers.verifyWebhook(each)
      await expect(verify(body, headers)).resolves.toMatchObject({ id: headers['webhook-id'] })
    }
    expect(receiver.seats().taken).not.toContain(event.data.userID)
    expect(readFailures('accepted')).toEqual([])
  })

  test('gets an event of 100,000 bytes, and one that names only the record', async () => {
    for (const event of [eventOf('large', 'é'.repeat(24_900)), oversizedOf('oversized')]) {
      await send(event)
      await eventually(() => expect(deliveriesOf(event.id)).toHaveLength(1))
      expect(deliveriesOf(event.id).at(0)!.body).toBe(JSON.stringify(event))
    }
  })

  test('that is busy gets the event again, with the same ID, after the time it asks for', async () => {
    const event = eventOf('busy')
    await send(event)
    await eventually(() => expect(deliveriesOf('busy')).toHaveLength(2))
    const [first, second] = deliveriesOf('busy')
    expect(second?.body).toBe(first?.body)
    expect(second?.headers['webhook-id']).toBe('busy')
    expect(second?.headers['webhook-timestamp']).not.toBe(first?.headers['webhook-timestamp'])
    const facts = { cause: 'receiver_failed', status: 503, delaySeconds: delay(7, 8) }
    expect(readFailures('busy')).toEqual([failure('busy', 1, facts)])
    expect(receiver.seats().deleted).toContain(event.data.userID)
  })

  test('drops a copy by its ID', async () => {
    await send(eventOf('copied'))
    await send(eventOf('copied'))
    await eventually(() => expect(deliveriesOf('copied')).toHaveLength(2))
    const [first, second] = deliveriesOf('copied')
    expect(second?.body).toBe(first?.body)
    expect(receiver.accepted.filter(({ id }) => id === 'copied')).toHaveLength(1)
  })

  test.each([
    ['status-500', { cause: 'receiver_failed', status: 500 }],
    ['status-400', { cause: 'receiver_failed', status: 400 }],
    ['status-302', { cause: 'receiver_redirects', status: 302 }],
    ['silence', { cause: 'timeout' }],
    ['unreachable', { cause: 'connection_failed' }, 'unreachable'],
    ['refused', { cause: 'receiver_failed', status: 401 }, 'other-secret'],
  ])('that fails by %s gets the event until the last attempt', async (id, facts, listener?) => {
    const event = eventOf(id)
    await send(event, listener)
    await expectDeadLetter(event)
    expect(readFailures(id)).toEqual([
      failure(id, 1, { ...facts, delaySeconds: delay(5, 6) }),
      failure(id, 2, { ...facts, delaySeconds: delay(20, 22) }),
    ])
    expect(receiver.seats().deleted).not.toContain(event.data.userID)
  })

  test('that is gone gets the event a second time if the event cannot be moved', async () => {
    const event = eventOf('not-moved')
    await send(event, 'without-dead-letters')
    await expectDeadLetter(event)
    expect(deliveriesOf('not-moved')).toHaveLength(2)
  })

  test.each([
    ['a text', 'gone'],
    ['another message', { message: 'hello' }],
    ['an event of another version', { ...eventOf('old'), specversion: '0.3' }],
    ['an ID that is not a string', { ...eventOf(''), id: 17 }],
    ['an empty ID', eventOf('')],
    ['a dot in the ID', eventOf('a.b')],
    ['an ID that no header can hold', eventOf('é\n')],
  ])('never gets %s', async (_, body) => {
    await send(body)
    await expectDeadLetter(body)
    const { id } = Object(body) as { readonly id?: unknown }
    expect(readLines()).toContainEqual(failure(id, 1, { cause: 'event_malformed' }))
    expect(receiver.deliveries.map((delivery) => delivery.body)).not.toContain(JSON.stringify(body))
  })
})

test.concurrent.each([
  ['a webhook that is gone', QUEUE, eventOf('status-410'), { cause: 'receiver_gone', status: 410 }],
  [
    'a receiver that rejects a token',
    'tokens',
    eventOf('status-400-token'),
    { cause: 'token_refused', status: 400 },
  ],
  ['a receiver of tokens', 'tokens', oversizedOf('no-user'), { cause: 'event_without_subject' }],
])('%s does not get an event again', async (_, queue, event, facts) => {
  await send(event, queue)
  await expectDeadLetter(event)
  expect(readFailures(event.id)).toEqual([failure(event.id, 1, facts)])
})

test('a receiver of Security Event Tokens gets a signed token that names the user', async () => {
  await send(eventOf('token', 'Ü/7'), 'tokens')
  await eventually(() => expect(deliveriesOf('token')).toHaveLength(1))
  const { headers, body } = deliveriesOf('token').at(0)!
  expect(headers['content-type']).toBe('application/secevent+jwt')
  const { protectedHeader, payload } = await jwtVerify(body, publicKey)
  expect(protectedHeader).toEqual({ typ: 'secevent+jwt', alg: 'ES256', kid: 'key-1' })
  expect(payload).toEqual({
    iss: 'https://identity.example',
    aud: 'https://receiver.example',
    iat: expect.any(Number) as number,
    jti: 'token',
    txn: 'token',
    toe: 1_795_600_800.123,
    sub_id: { format: 'scim', uri: '/Users/%C3%9C%2F7' },
    events: { 'urn:ietf:params:scim:event:prov:delete': {} },
  })
  expect(readFailures('token')).toEqual([])
})

test.for(Object.keys(misconfigured))('names an invalid setting: %s', async (listener) => {
  const id = listener.replaceAll(' ', '-')
  await send(eventOf(id), listener)
  const cause = `configuration:${listener.split(' ')[0]}`
  const line = failure(id, 1, { cause, delaySeconds: delay(5, 6) })
  await eventually(() => expect(readFailures(id)).toEqual([line]))
})

test('waits four times longer after each attempt, up to 12 hours, or as long as Retry-After says', () => {
  const delays = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((attempt) => chooseDelay(attempt, 0))
  const shortest = [5, 20, 80, 320, 1_280, 5_120, 20_480, 43_200, 43_200]
  expect(delays).toEqual(shortest.map((seconds) => delay(seconds, Math.ceil(seconds * 1.1))))
  expect(chooseDelay(1, 600)).toEqual(delay(600, 660))
  expect(chooseDelay(1, 1e9)).toEqual(delay(43_200, 47_520))
  expect(chooseDelay(1, -5)).toEqual(delay(5, 6))
  const total = shortest.slice(0, 8).reduce((sum, seconds) => sum + seconds)
  expect(total * 1.1).toBeLessThan(24 * 3_600) // a queue on the Free plan keeps a message for a day
})

test('README.md has every cause', async () => {
  const readme = await readDocument(`${EXAMPLE}/README.md`)
  const { rows } = readme.section('When a delivery fails').tables.at(0)!
  const described = rows.flatMap(([cell = '']) => readCodeSpans(cell))
  expect(new Set(described)).toEqual(new Set([...CAUSES, 'configuration:NAME']))
})
