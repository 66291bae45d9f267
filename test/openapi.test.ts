/**
 * Is docs/openapi.yaml true to the published contract on what the two must share, and would the check of answers see a
 * difference? The contract's facts stand here as values.
 */
import type { Schema } from '@cfworker/json-schema'
import { describe, expect, test } from 'vitest'
import { checkResponse, description, validate, type ObservedResponse } from './support/openapi'

const PATH = '/api/v1/organizations/{organizationID}/users/{userID}'

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

const GOOD_BODY = {
  error: 'not_found',
  error_description: 'the requested resource does not exist',
}

type Json = Readonly<Record<string, unknown>>

/** A member of the description, by a path of names; references are followed. */
function find(...names: string[]): Json {
  let found: unknown = description
  for (const name of names) {
    found = (found as Json)[name]
    const reference: unknown = (found as { $ref?: unknown }).$ref
    if (typeof reference === 'string') found = find(...reference.slice(2).split('/'))
  }
  return found as Json
}

describe('the description and the contract have in common', () => {
  test('the path, and no other one', () => {
    expect(Object.keys(description.paths)).toEqual([PATH])
  })

  test('the parameters of the path: two opaque texts', () => {
    const parameters = find('paths', PATH, 'parameters') as unknown as { $ref: string }[]
    const resolved = parameters.map(({ $ref }) => find(...$ref.slice(2).split('/')))
    expect(
      resolved.map(({ name, in: where, required, schema }) => ({ name, where, required, schema })),
    ).toEqual(
      ['organizationID', 'userID'].map((name) => ({
        name,
        where: 'path',
        required: true,
        schema: { type: 'string' },
      })),
    )
  })

  test('the statuses of DELETE', () => {
    const responses = find('paths', PATH, 'delete', 'responses')
    expect(Object.keys(responses)).toEqual(Object.keys(CONTRACT))
  })

  test('a success without a body', () => {
    expect(find('paths', PATH, 'delete', 'responses', '200')).not.toHaveProperty('content')
  })

  test.each(Object.entries(CONTRACT).filter(([, example]) => example !== undefined))(
    'for %s a JSON body like %j',
    (status, example) => {
      const content = find('paths', PATH, 'delete', 'responses', status, 'content')
      expect(content).toEqual({ 'application/json': expect.anything() })
      expect(content['application/json']).toMatchObject({ example })
    },
  )

  test('the schema of an error', () => {
    const schema = find('components', 'schemas', 'ErrorResponse')
    expect(schema).toMatchObject({
      type: 'object',
      required: ['error', 'error_description'],
      properties: {
        error: { type: 'string', enum: CODES },
        error_description: { type: 'string' },
      },
    })
    expect(Object.keys(schema['properties'] as Json)).toEqual(['error', 'error_description'])
  })

  test('a bearer token as the security of DELETE, and none of OPTIONS', () => {
    expect(find('paths', PATH, 'delete')).toHaveProperty('security', [{ oauth2Authentication: [] }])
    expect(find('paths', PATH, 'options')).not.toHaveProperty('security')
    expect(description).toHaveProperty('security', [])
    expect(find('components', 'securitySchemes', 'oauth2Authentication')).toMatchObject({
      type: 'http',
      scheme: 'bearer',
    })
  })
})

test.each(Object.keys(description.components['responses'] ?? {}))(
  'the example of %s is one that its schema allows',
  (name) => {
    const content = ['components', 'responses', name, 'content', 'application/json']
    const { example, schema } = find(...content) as { example: unknown; schema: Schema }
    expect(example).toBeTypeOf('object')
    expect(validate(schema, example)).toEqual([])
    expect(validate(schema, { ...GOOD_BODY, error: 'conflict' })).not.toEqual([])
  },
)

describe('generated clients get', () => {
  test('no operation that can only fail', () => {
    const operations = Object.keys(find('paths', PATH))
    expect(operations).toEqual(['description', 'parameters', 'delete', 'options'])
  })

  test('no type with the name of a global of JavaScript', () => {
    const names = Object.keys(find('components', 'schemas'))
    const types = names.map((name) => name.charAt(0).toUpperCase() + name.slice(1))
    expect(types.filter((name) => name in globalThis)).toEqual([])
  })

  test('a server URL that is a URL as it stands', () => {
    const { servers } = description as unknown as { servers: { url: string }[] }
    expect(servers.map(({ url }) => new URL(url).href)).toEqual(['https://identity.example/'])
  })
})

const GOOD: ObservedResponse = {
  method: 'DELETE',
  path: '/api/v1/organizations/o/users/u',
  status: 404,
  headers: new Headers({
    'Cache-Control': 'no-store',
    'X-Request-Id': 'a',
    'Content-Type': 'application/json',
  }),
  body: JSON.stringify(GOOD_BODY),
}

function withHeader(name: string, value: string | null): ObservedResponse {
  const headers = new Headers(GOOD.headers)
  if (value === null) headers.delete(name)
  else headers.set(name, value)
  return { ...GOOD, headers }
}

describe('the check of answers', () => {
  test('lets a good answer pass', () => {
    expect(() => checkResponse(GOOD)).not.toThrow()
  })

  test.each<[string, ObservedResponse]>([
    ['a status that is not described', { ...GOOD, status: 418 }],
    ['a status of another kind of answer', { ...GOOD, status: 403 }],
    ['405 on another path', { ...GOOD, path: '/nowhere', status: 405 }],
    ['404 to another method on the path', { ...GOOD, method: 'GET' }],
    ['an unknown path with a success', { ...GOOD, path: '/nowhere', status: 200, body: '' }],
    ['no cache control', withHeader('Cache-Control', null)],
    ['another cache control', withHeader('Cache-Control', 'no-cache')],
    ['no request ID', withHeader('X-Request-Id', null)],
    ['a request ID of another form', withHeader('X-Request-Id', 'a b')],
    ['a header that is not described', withHeader('Allow', 'DELETE, OPTIONS')],
    ['another content type', withHeader('Content-Type', 'application/json; charset=utf-8')],
    ['no content type', withHeader('Content-Type', null)],
    ['a member more', { ...GOOD, body: JSON.stringify({ ...GOOD_BODY, x: 1 }) }],
    ['a member less', { ...GOOD, body: '{"error":"not_found"}' }],
    ['another code', { ...GOOD, body: JSON.stringify({ ...GOOD_BODY, error: 'conflict' }) }],
    [
      'another sentence',
      { ...GOOD, body: JSON.stringify({ ...GOOD_BODY, error_description: 'x' }) },
    ],
    ['a body of HEAD', { ...GOOD, method: 'HEAD', status: 405 }],
  ])('sees %s', (_, response) => {
    expect(() => checkResponse(response)).toThrow(/^\w+ \/.*: \d+\n- /)
  })
})
