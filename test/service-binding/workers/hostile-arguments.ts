/**
 * What a caller can hand over in the place of a request, or of one of its fields: values of every type that crosses a
 * service binding, some that do not, and objects that are not plain.
 */
import { RpcTarget } from 'cloudflare:workers'
import type { DeleteUserRequest } from '../../../src/identity'

class Target extends RpcTarget {
  readonly #request: DeleteUserRequest
  constructor(request: DeleteUserRequest) {
    super()
    this.#request = request
  }
  get token(): string {
    return this.#request.token
  }
  get organizationID(): string {
    return this.#request.organizationID
  }
  get userID(): string {
    return this.#request.userID
  }
}

class OwnClass {
  readonly token = 'a.b.c'
}

/** Arguments of a call, by name. */
export const wholeArguments = {
  nothing: () => [],
  undefined: () => [undefined],
  null: () => [null],
  text: () => ['text'],
  number: () => [7],
  bigint: () => [7n],
  boolean: () => [true],
  array: ({ token, organizationID, userID }) => [[token, organizationID, userID]],
  function: () => [() => 'text'],
  date: () => [new Date(0)],
  map: (request) => [new Map(Object.entries(request))],
  bytes: () => [new Uint8Array(8)],
  error: () => [new Error('text')],
  request: () => [new Request('https://x.example')],
  response: () => [new Response('text')],
  headers: () => [new Headers()],
  stream: () => [new ReadableStream()],
  'remote object': (request) => [new Target(request)],
  'fields in a __proto__': (request) => [JSON.parse(`{"__proto__":${JSON.stringify(request)}}`)],
  'own class': () => [new OwnClass()],
  symbol: () => [Symbol('text')],
  proxy: (request) => [new Proxy({ ...request }, {})],
  'getter that throws': (request) => [
    {
      ...request,
      get userID() {
        throw new RangeError('of the caller')
      },
    },
  ],
  'getter that changes': (request) => {
    let reads = 0
    return [
      {
        ...request,
        get userID() {
          reads += 1
          return reads === 1 ? request.userID : 'another'
        },
      },
    ]
  },
  'no prototype': (request) => [Object.assign(Object.create(null) as object, request)],
  'more fields': (request) => [{ ...request, method: 'DELETE', more: { of: [request.userID] } }],
  'more arguments': (request) => [request, 'text', { userID: 'another' }],
} satisfies Record<string, (request: DeleteUserRequest) => unknown[]>

/** Values of a field, by name. */
export const fieldValues = {
  null: () => null,
  number: () => 7,
  bigint: () => 7n,
  boolean: () => true,
  array: () => ['text'],
  object: () => ({ toString: 'text' }),
  'String object': () => Object('text') as object,
  date: () => new Date(0),
  bytes: () => new Uint8Array(8),
  function: () => () => 'text',
  'lone high surrogate': () => 'a\ud800',
  'lone low surrogate': () => '\udc00b',
} satisfies Record<string, () => unknown>
