/**
 * docs/openapi.yaml says what the published contract says, and the check of responses sees every difference. The
 * contract's facts stand here as values.
 */
import { describe, expect, test } from 'vitest'
import { checkResponse, description, PATH, validate } from './support/openapi'
import type { ObservedResponse } from './support/openapi'

/** The published contract of the call: its statuses, with the examples that the two must share. */
const CONTRACT: Readonly<Record<string, object | undefined>> = {
  200: undefined,
  401: { error: 'access_denied', error_description: 'authentication failed' },
  403: {
    error: 'forbidden',
    error_description: 'user credentials do not have the required privileges',
  },
  404: { error: 'not_found', error_description: 'the requested resource does not exist' },
  500: { error: 'server_error' },
}

/** The published codes, of all calls of the API. */
const CODES = [
  'invalid_request',
  'server_error',
  'access_denied',
  'not_found',
  'conflict',
  'method_not_allowed',
  'unsupported_media_type',
  'request_entity_too_large',
  'forbidden',
]

const JSON_TYPE = 'application/json'

const { components, paths, security, servers } = description
const path = paths[PATH]

describe('the description has', () => {
  test('the path of the contract alone, with two opaque texts in it', () => {
    expect(Object.keys(paths)).toEqual([PATH])
    const schema = { type: 'string' }
    expect(path.parameters).toEqual(
      ['organizationID', 'userID'].map((name) =>
        expect.objectContaining({ name, in: 'path', required: true, schema }),
      ),
    )
  })

  test('DELETE with the statuses and bodies of the contract, and OPTIONS', () => {
    // An operation that always fails would become a method of generated clients.
    expect(Object.keys(path)).toEqual(['description', 'parameters', 'delete', 'options'])
    expect(Object.keys(path.delete.responses)).toEqual(Object.keys(CONTRACT))
    for (const [status, example] of Object.entries(CONTRACT)) {
      const { content } = path.delete.responses[status]!
      expect({ content }).toMatchObject({ content: example && { [JSON_TYPE]: { example } } })
      expect(Object.keys(content ?? {})).toHaveLength(example === undefined ? 0 : 1)
    }
  })

  test('the schema of an error', () => {
    const schema = components.schemas['ErrorResponse']!
    expect(schema).toMatchObject({
      type: 'object',
      required: ['error', 'error_description'],
      properties: {
        error: { type: 'string', enum: CODES },
        error_description: { type: 'string' },
      },
    })
    expect(Object.keys(schema.properties!)).toEqual(['error', 'error_description'])
  })

  test('a bearer token as the security of DELETE alone', () => {
    expect(path.delete.security).toEqual([{ oauth2Authentication: [] }])
    expect(path.options).not.toHaveProperty('security')
    expect(security).toEqual([])
    const scheme = { type: 'http', scheme: 'bearer' }
    expect(components.securitySchemes['oauth2Authentication']).toMatchObject(scheme)
  })

  test('names and a server that generated clients can use', () => {
    const names = Object.keys(components.schemas)
    const types = names.map((name) => name.charAt(0).toUpperCase() + name.slice(1))
    expect(types.filter((name) => name in globalThis)).toEqual([])
    expect(servers.map(({ url }) => new URL(url).href)).toEqual(['https://identity.example/'])
  })
})

test.each(Object.entries(components.responses))(
  'the example of %s is valid, and with another code it is not',
  (_, { content }) => {
    const { example, schema } = content![JSON_TYPE]!
    expect(example).toBeTypeOf('object')
    expect(validate(schema, example)).toEqual([])
    expect(validate(schema, { ...Object(example), error: 'conflict' })).not.toEqual([])
  },
)

const BODY = CONTRACT[404]!

/** Checks a 404 of DELETE with differences, in its headers too. */
function check(differences: Partial<ObservedResponse>, headers: object = {}): void {
  const sent = { 'Cache-Control': 'no-store', 'X-Request-Id': 'a', 'Content-Type': JSON_TYPE }
  const fields = Object.entries({ ...sent, ...headers }).filter(([, value]) => value)
  checkResponse({
    method: 'DELETE',
    path: '/api/v1/organizations/o/users/u',
    status: 404,
    headers: new Headers(fields),
    body: JSON.stringify(BODY),
    ...differences,
  })
}

describe('the check of responses', () => {
  test('accepts a valid response', () => {
    expect(() => check({})).not.toThrow()
  })

  test.each<[title: string, Partial<ObservedResponse>, object?]>([
    ['a status that is not described', { status: 418 }],
    ['a status of another kind of response', { status: 403 }],
    ['405 on another path', { path: '/nowhere', status: 405 }],
    ['404 to another method on the path', { method: 'GET' }],
    ['a success on another path', { path: '/nowhere', status: 200, body: '' }],
    ['a missing header', {}, { 'Cache-Control': undefined }],
    ['another value of a header', {}, { 'Cache-Control': 'no-cache' }],
    ['a missing request ID', {}, { 'X-Request-Id': undefined }],
    ['an invalid request ID', {}, { 'X-Request-Id': 'a b' }],
    ['a header that is not described', {}, { Allow: 'DELETE, OPTIONS' }],
    ['another content type', {}, { 'Content-Type': 'application/json; charset=utf-8' }],
    ['a missing content type', {}, { 'Content-Type': undefined }],
    ['an additional member', { body: JSON.stringify({ ...BODY, x: 1 }) }],
    ['a missing member', { body: '{"error":"not_found"}' }],
    ['another code', { body: JSON.stringify({ ...BODY, error: 'conflict' }) }],
    ['another sentence', { body: JSON.stringify({ ...BODY, error_description: 'x' }) }],
    ['a body of HEAD', { method: 'HEAD', status: 405 }],
  ])('sees %s', (_, differences, headers) => {
    expect(() => check(differences, headers)).toThrow(/^\w+ \/.*: \d+\n- /)
  })
})
