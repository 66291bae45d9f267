/**
 * Arguments of a wrong type, and texts longer than any URL. A wrong type gets a TypeError that names the argument, without a
 * query; a long text gets an outcome.
 */
import { afterAll, describe, expect, test, vi } from 'vitest'
import { createSeed } from '../../dev/seeder.ts'
import type { DeleteUserOutcome, DeleteUserRequest } from '../../src/identity'
import { createFixture } from '../support/fixture'
import { startWithIssuer } from '../support/node/local-workers'
import { forbidden, notFound, removed, unauthorized } from './outcomes'
import { bindTo, buildTestWorker, buildWatchedIdentity } from './test-workers'
import { instruct } from './transports'
import * as values from './workers/arguments'
import type { CallResult, Instruction } from './workers/caller'

const NOT_AN_OBJECT = 'deleteUser takes one object: { token, organizationID, userID, … }'
const TEXTS = ['token', 'organizationID', 'userID', 'idempotencyKey', 'requestID', 'traceparent']
const FIELDS = [...TEXTS, 'dpop.proof', 'dpop.method', 'dpop.url']
/** Workers Logs cuts what one request logs at 256 KB. */
const MAX_LINE_LENGTH = 64 * 1_024

const bindings = bindTo('identity', 'without-dpop')
const old = { name: 'old-caller', compatibilityDate: '2025-01-01' }
const workers = await startWithIssuer(async ({ vars }) => ({
  identity: [],
  others: await Promise.all([
    buildWatchedIdentity('identity', { ...vars, DPOP: 'accept' }),
    buildWatchedIdentity('without-dpop', { ...vars }),
    buildTestWorker('caller', bindings),
    buildTestWorker('caller', { ...bindings, ...old }),
  ]),
}))
const { issuer } = workers
afterAll(() => workers.stop())

const fixture = await createFixture(workers.db)
const token = await issuer.token(fixture.administrator.person.subject)
/** A valid request of an administrator. */
const request: DeleteUserRequest = { ...fixture.target, token }

/** Makes one call. Returns what the caller got and all lines that were logged until the next call. */
async function send(how: Partial<Instruction>, { caller = 'caller', binding = 'identity' } = {}) {
  const start = workers.log.length
  const call = async (changes: Partial<Instruction>) =>
    (await instruct(workers.urlOf(caller), binding, { request, ...changes })).json<CallResult>()
  const { outcome, thrown } = await call(how)
  // Lines keep their order: when the next call has written its two lines, all of this call are there.
  const requestID = crypto.randomUUID()
  await call({ request: { ...request, token: 'x', requestID } })
  const texts = await vi.waitFor(() => {
    const log = workers.log.slice(start)
    expect(log.at(-2)).toContain(requestID)
    return log.slice(0, -2)
  }, 5_000)
  return {
    outcome,
    thrown,
    lines: texts.map((text) => JSON.parse(text) as Readonly<Record<string, unknown>>),
    longestLine: Math.max(0, ...texts.map(({ length }) => length)),
  }
}

/** What `send` returns if the Worker rejects an argument. */
function rejection(message: string) {
  const [, argument = 'request'] = /^deleteUser: ([\w.]+)/.exec(message) ?? []
  const requestID: unknown = expect.stringMatching(/^[\w-]{36}$/)
  const reason = `argument_invalid:${argument}`
  const stack: unknown = expect.stringMatching(/^TypeError: .*(\n.*Object\.fetch.*)*$/) // of the caller
  return {
    outcome: undefined,
    thrown: { name: 'TypeError', message, stack, properties: ['stack', 'message', 'remote'] },
    lines: [
      { message: 'request', requestID, transport: 'rpc', reason },
      { message: 'database', calls: [], statements: 0 },
    ],
    longestLine: expect.any(Number) as number,
  }
}

/** Rows of a table: each name with a message. */
const rows = (names: object, message: string) => Object.keys(names).map((name) => [name, message])

test.each([
  ...rows(values.notObjects, NOT_AN_OBJECT),
  ...rows(values.notRequests, 'deleteUser: token must be a string'),
])('rejects %s in place of a request: %s', async (argument = '', message = '') => {
  expect(await send({ argument })).toEqual(rejection(message))
})

test('a caller with an old compatibility date gets the same error', async () => {
  const result = await send({ argument: 'null' }, { caller: 'old-caller' })
  expect(result).toEqual(rejection(NOT_AN_OBJECT))
})

test.each([...rows(values.notCloneable, 'DataCloneError'), ...rows(values.throwing, 'RangeError')])(
  "is not called with %s: the caller's runtime throws a %s",
  async (argument = '', error) => {
    const { thrown, lines } = await send({ argument })
    expect(thrown?.name).toBe(error)
    expect(thrown?.properties).not.toContain('remote')
    expect(lines).toEqual([])
  },
)

describe.each(FIELDS)('rejects as the field %s', (field) => {
  test.each([
    ...rows(values.notStrings, `deleteUser: ${field} must be a string`),
    ...rows(values.notUnicode, `deleteUser: ${field} must be well-formed Unicode`),
  ])('%s: %s', async (name = '', message = '') => {
    expect(await send({ value: { field, name } })).toEqual(rejection(message))
  })
})

test.each(Object.keys(values.notStrings))('rejects as the field dpop %s', async (name) => {
  const result = await send({ value: { field: 'dpop', name } })
  expect(result).toEqual(rejection('deleteUser: dpop.proof must be a string'))
})

/** Makes a call for a new user. Returns the result, and whether the user was deleted. */
async function sendForTarget(how: Partial<Instruction>, binding = 'identity', id?: string) {
  const seed = createSeed()
  const { userID } = seed.member(fixture.organizationID, id === undefined ? {} : { id })
  await seed.save(workers.db)
  const result = await send({ request: { ...request, userID }, ...how }, { binding })
  const statement = workers.db.prepare('SELECT id FROM organization_users WHERE id = ?')
  const isDeleted = (await statement.bind(userID).first()) === null
  return { ...result, isDeleted }
}
const removal = { outcome: removed, isDeleted: true }

test.each(Object.keys(values.notStrings))(
  'the field dpop is ignored without the variable DPOP: %s',
  async (name) => {
    const how = { value: { field: 'dpop', name } }
    expect(await sendForTarget(how, 'without-dpop')).toMatchObject(removal)
  },
)

test.each(Object.keys(values.extended))('a request with %s is a request', async (argument) => {
  expect(await sendForTarget({ argument })).toMatchObject(removal)
})

test.each(['.', '..', '', 'a/../b', ' '])('the ID "%s" names one user', async (id) => {
  expect(await sendForTarget({}, 'identity', id)).toMatchObject(removal)
})

test.each<[fields: (keyof DeleteUserRequest)[], text: string, times: number, DeleteUserOutcome]>([
  [['userID'], '字', 500_000, notFound],
  [['userID'], '字', 500_001, notFound],
  [['userID'], 'x', 20_000_000, notFound],
  [['organizationID'], '字', 500_000, forbidden],
  [['organizationID'], 'x', 20_000_000, forbidden],
  [['organizationID', 'userID'], '字', 500_000, forbidden],
  [['token'], 'x', 20_000_000, unauthorized],
  [['requestID', 'idempotencyKey'], 'x', 10_000_000, removed],
  [['traceparent'], '0', 20_000_000, removed],
])(
  'a long text has an outcome and a short log line: %j, "%s" × %i',
  async (fields, text, times, outcome) => {
    const repeated = Object.fromEntries(fields.map((field) => [field, [text, times] as const]))
    const { lines, longestLine, ...result } = await sendForTarget({ repeated })
    expect(result).toEqual({ outcome, isDeleted: outcome.ok })
    expect(lines[0]).toMatchObject({
      message: 'request',
      requestID: expect.stringMatching(/^[\w-]{36}$/) as string,
      transport: 'rpc',
    })
    expect(lines[0]).not.toHaveProperty('traceID')
    expect(longestLine).toBeLessThan(MAX_LINE_LENGTH)
  },
)

test("above 32 MiB the caller's runtime throws, and the Worker is not called", async () => {
  const { thrown, lines } = await send({ repeated: { userID: ['x', 34_000_000] } })
  expect(thrown?.message).toContain('32MiB')
  expect(lines).toEqual([])
})
