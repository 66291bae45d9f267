/**
 * A Worker that hands over what no program should gets a TypeError that names the argument, or the error of its own
 * runtime. The database is not asked, and nothing of the Worker's insides crosses the binding.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { removed } from './outcomes'
import { startHostile, type Hostile, type Seen } from './hostile'

const NOT_AN_OBJECT = 'deleteUser takes one object: { token, organizationID, userID, … }'
const TEXTS = ['token', 'organizationID', 'userID', 'idempotencyKey', 'requestID', 'traceparent']
const FIELDS = [...TEXTS, 'dpop.proof', 'dpop.method', 'dpop.url']

let hostile: Hostile

beforeAll(async () => {
  hostile = await startHostile()
})

afterAll(() => hostile.stop())

/** All that there is to an error, and to what the Worker did. */
function facts({ sight: { outcome, thrown }, lines }: Seen) {
  const frames = thrown?.stack.split('\n').slice(1) ?? []
  return {
    outcome,
    name: thrown?.name,
    message: thrown?.message,
    properties: thrown?.properties.toSorted(),
    foreignFrames: frames.filter((frame) => !frame.includes('Object.fetch')),
    lines,
  }
}

/** The facts of a refusal by the Worker: one line with the name of the argument, and D1 was not asked. */
function refusal(message: string): ReturnType<typeof facts> {
  const [, argument = 'request'] = /^deleteUser: ([\w.]+)/.exec(message) ?? []
  const line = {
    message: 'request',
    requestID: expect.stringMatching(/^[\w-]{36}$/),
    transport: 'rpc',
    reason: `argument_invalid:${argument}`,
  }
  return {
    outcome: undefined,
    name: 'TypeError',
    message,
    properties: ['message', 'remote', 'stack'],
    foreignFrames: [],
    lines: [line, { message: 'database', calls: [], statements: 0 }],
  }
}

describe('an argument that is not a request', () => {
  const notObjects = ['nothing', 'undefined', 'null', 'text', 'number', 'bigint', 'boolean']
  const notPlain = ['function', 'remote object', 'proxy']
  const others = ['array', 'date', 'map', 'bytes', 'error', 'request', 'response', 'headers']
  const more = ['stream', 'fields in a __proto__']

  test.each([...notObjects, ...notPlain])('%s: the error says what it takes', async (argument) => {
    expect(facts(await hostile.ask({ argument }))).toEqual(refusal(NOT_AN_OBJECT))
    expect(await hostile.isThere(hostile.request)).toBe(true)
  })

  test.each([...others, ...more])('%s: the error names the first field', async (argument) => {
    const message = 'deleteUser: token must be a string'
    expect(facts(await hostile.ask({ argument }))).toEqual(refusal(message))
  })

  test.each([
    ['own class', 'DataCloneError'],
    ['symbol', 'DataCloneError'],
    ['no prototype', 'DataCloneError'],
    ['getter that throws', 'RangeError'],
  ])(
    '%s: the caller has an error of its own, and the Worker is not called',
    async (argument, name) => {
      const { properties, ...rest } = facts(await hostile.ask({ argument }))
      expect(properties).not.toContain('remote')
      expect(rest).toMatchObject({ outcome: undefined, name, lines: [] })
    },
  )
})

describe.each(FIELDS)('the field %s', (field) => {
  const wrong = ['null', 'number', 'bigint', 'boolean', 'array', 'object', 'String object']
  const halves = ['lone high surrogate', 'lone low surrogate']

  test.each([...wrong, 'date', 'bytes', 'function'])('refuses a value: %s', async (name) => {
    const seen = await hostile.ask({ value: { field, name } })
    expect(facts(seen)).toEqual(refusal(`deleteUser: ${field} must be a string`))
  })

  test.each(halves)('refuses a %s', async (name) => {
    const seen = await hostile.ask({ value: { field, name } })
    expect(facts(seen)).toEqual(refusal(`deleteUser: ${field} must be well-formed Unicode`))
  })
})

describe('the field dpop', () => {
  const wrong = ['null', 'number', 'bigint', 'boolean', 'array', 'object', 'String object']

  test.each([...wrong, 'date', 'bytes', 'function'])('refuses a value: %s', async (name) => {
    const seen = await hostile.ask({ value: { field: 'dpop', name } })
    expect(facts(seen)).toEqual(refusal('deleteUser: dpop.proof must be a string'))
  })

  test.each([...wrong, 'date', 'bytes', 'lone low surrogate'])(
    'is ignored if DPOP is not set: %s',
    async (name) => {
      const request = await hostile.addTarget()
      const value = { field: 'dpop', name }
      const { sight } = await hostile.ask({ request, value }, 'caller-without-dpop')
      expect(sight).toEqual({ outcome: removed })
      expect(await hostile.isThere(request)).toBe(false)
    },
  )
})

test('a caller with an old compatibility date gets the same error', async () => {
  const seen = await hostile.ask({ argument: 'null' }, 'old-caller')
  expect(facts(seen)).toEqual(refusal(NOT_AN_OBJECT))
})

test('half a surrogate pair names nobody, not the user whose ID it would be stored as', async () => {
  const stored = await hostile.addTarget({ id: '\ufffdb' })
  const seen = await hostile.ask({ value: { field: 'userID', name: 'lone low surrogate' } })
  expect(facts(seen)).toEqual(refusal('deleteUser: userID must be well-formed Unicode'))
  expect(await hostile.isThere(stored)).toBe(true)
})

test.each(['more fields', 'more arguments', 'getter that changes'])(
  'an object that is a request and more counts as the request that it holds: %s',
  async (argument) => {
    const request = await hostile.addTarget()
    const { sight } = await hostile.ask({ argument, request })
    expect(sight).toEqual({ outcome: removed })
    expect(await hostile.isThere(request)).toBe(false)
  },
)

test.each(['.', '..', '', 'a/../b', ' '])('an ID is any text: "%s" names one user', async (id) => {
  const request = await hostile.addTarget({ id })
  const { sight } = await hostile.ask({ request })
  expect(sight).toEqual({ outcome: removed })
  expect(await hostile.isThere(request)).toBe(false)
})
