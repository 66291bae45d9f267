/**
 * What a caller can pass to `deleteUser` in place of a request, or of one of its fields, by name.
 */
import type { DeleteUserRequest } from '../../../src/identity'

type Arguments = Readonly<Record<string, (request: DeleteUserRequest) => unknown[]>>
type Values = Readonly<Record<string, () => unknown>>

class OwnClass {
  readonly token = 'a.b.c'
}

function withGetter(request: DeleteUserRequest, get: () => string): unknown[] {
  return [Object.defineProperty({ ...request }, 'userID', { get, enumerable: true })]
}

/** Arguments that arrive as something other than an object. */
export const notObjects: Arguments = {
  nothing: () => [],
  undefined: () => [undefined],
  null: () => [null],
  'a string': () => ['text'],
  'a number': () => [7],
  'a bigint': () => [7n],
  'a boolean': () => [true],
  'a function': () => [() => 'text'],
  'a proxy': (request) => [new Proxy({ ...request }, {})],
}

/** Objects that are not requests. */
export const notRequests: Arguments = {
  'an array': ({ token, organizationID, userID }) => [[token, organizationID, userID]],
  'a date': () => [new Date(0)],
  'a map': (request) => [new Map(Object.entries(request))],
  bytes: () => [new Uint8Array(8)],
  'an error': () => [new Error('text')],
  'a Request': () => [new Request('https://x.example')],
  'a stream': () => [new ReadableStream()],
  'fields in __proto__': (request) => [JSON.parse(`{"__proto__":${JSON.stringify(request)}}`)],
}

/** Arguments that the runtime cannot send. */
export const notCloneable: Arguments = {
  'an own class': () => [new OwnClass()],
  'a symbol': () => [Symbol('text')],
  'no prototype': (request) => [Object.assign(Object.create(null) as object, request)],
}

/** Arguments that throw in the caller. */
export const throwing: Arguments = {
  'a getter that throws': (request) =>
    withGetter(request, () => {
      throw new RangeError('of the caller')
    }),
}

/** Arguments that hold a request, and more. */
export const extended: Arguments = {
  'unknown fields': (request) => [{ ...request, method: 'DELETE', more: { of: ['another'] } }],
  'further arguments': (request) => [request, 'text', { userID: 'another' }],
  'a getter that changes': (request) => {
    const values = [request.userID]
    return withGetter(request, () => values.pop() ?? 'another')
  },
}

/** All of these arguments. */
export const wholeArguments = {
  ...notObjects,
  ...notRequests,
  ...notCloneable,
  ...throwing,
  ...extended,
}

/** Values of a field that are not strings. */
export const notStrings: Values = {
  null: () => null,
  'a number': () => 7,
  'a bigint': () => 7n,
  'a boolean': () => true,
  'an array': () => ['text'],
  'an object': () => ({ toString: 'text' }),
  'a String object': () => Object('text') as object,
  'a date': () => new Date(0),
  bytes: () => new Uint8Array(8),
  'a function': () => () => 'text',
}

/** Values of a field that are strings and not valid Unicode. */
export const notUnicode: Values = {
  'a lone high surrogate': () => 'a\ud800',
  'a lone low surrogate': () => '\udc00b',
}
