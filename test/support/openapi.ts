/**
 * Is a response one that docs/openapi.yaml describes? Reads the description and validates a response against it: status,
 * every header and the body, and nothing beside. The schemas are checked by @cfworker/json-schema. Runs in workerd, where
 * validators that compile cannot, and in Node.
 */
import { Validator, type Schema } from '@cfworker/json-schema'
import { parse } from 'yaml'
import text from '../../docs/openapi.yaml?raw'

/** An response as its caller got it. */
export interface ObservedResponse {
  readonly method: string
  /** As sent, without the query. */
  readonly path: string
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

interface Reference {
  readonly $ref: string
}

interface HeaderObject {
  readonly required?: boolean
  readonly schema: Schema
}

interface ResponseObject {
  readonly headers?: Readonly<Record<string, HeaderObject | Reference>>
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>
}

interface OperationObject {
  readonly responses: Readonly<Record<string, ResponseObject | Reference>>
}

/** The parts of the description that are looked at here. */
export interface Description {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** The description, parsed. */
export const description = parse(text) as Description

const PATH = '/api/v1/organizations/{organizationID}/users/{userID}'
const PATTERN = /^\/api\/v1\/organizations\/[^/]+\/users\/[^/]+$/

/** Headers of the transport, which no Worker sets. */
const TRANSPORT = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'transfer-encoding',
])

/**
 * Checks a response.
 *
 * @throws Error that names everything in which the response differs from the description
 */
export function checkResponse(observed: ObservedResponse): void {
  const response = findResponse(observed)
  const problems =
    response === undefined
      ? ['the description has no such response']
      : [...checkHeaders(observed, response), ...checkBody(observed, response)]
  if (problems.length > 0) {
    const { method, path, status } = observed
    throw new Error(`${method} ${path}: ${status}\n- ${problems.join('\n- ')}`)
  }
}

/** Which component describes a response on another path, and to another method on the path. */
const ELSEWHERE: Readonly<Record<number, string>> = { 404: 'notFound', 500: 'serverError' }
const OTHER_METHODS: Readonly<Record<number, string>> = {
  405: 'methodNotAllowed',
  500: 'serverError',
}

/** The response object for a response. */
function findResponse({ method, path, status }: ObservedResponse): ResponseObject | undefined {
  const isOnPath = PATTERN.test(new URL(path, 'https://any.example').pathname)
  const operation = description.paths[PATH]?.[method.toLowerCase()]
  if (isOnPath && operation !== undefined) {
    const response = operation.responses[String(status)]
    return response && resolve<ResponseObject>(response)
  }
  const name = (isOnPath ? OTHER_METHODS : ELSEWHERE)[status]
  if (name === undefined) return undefined
  return resolve<ResponseObject>({ $ref: `#/components/responses/${name}` })
}

function resolve<T extends object>(object: T | Reference): T {
  if (!('$ref' in object)) return object
  let found: unknown = description
  for (const name of object.$ref.replace(/^#\//, '').split('/')) {
    found = (found as Readonly<Record<string, unknown>>)[name]
  }
  if (found === undefined) throw new Error(`docs/openapi.yaml has no ${object.$ref}`)
  return found as T
}

function* checkHeaders({ headers }: ObservedResponse, response: ResponseObject): Generator<string> {
  const described = new Set(['content-type'])
  for (const [name, reference] of Object.entries(response.headers ?? {})) {
    const header = resolve<HeaderObject>(reference)
    const value = headers.get(name)
    described.add(name.toLowerCase())
    if (value === null) {
      if (header.required === true) yield `the header ${name} is missing`
      continue
    }
    const typed = header.schema.type === 'integer' ? Number(value) : value
    for (const problem of validate(header.schema, typed)) yield `the header ${name}: ${problem}`
  }
  for (const [name] of headers) {
    if (!described.has(name) && !TRANSPORT.has(name)) yield `the header ${name} is not described`
  }
}

function* checkBody(observed: ObservedResponse, { content }: ResponseObject): Generator<string> {
  const type = observed.headers.get('Content-Type')
  if (content === undefined || observed.method === 'HEAD') {
    if (observed.body !== '') yield 'there is a body'
    if (content === undefined && type !== null) yield `there is a content type: ${type}`
    return
  }
  const media = content[type ?? '']
  if (media === undefined) return yield `the content type is ${type}`
  yield* validate(media.schema, JSON.parse(observed.body))
}

/** What is wrong with a value by a schema of the description; nothing, where it is right. */
export function validate(schema: Schema, value: unknown): string[] {
  const { components } = description // so that references within the schema lead somewhere
  const { errors } = new Validator({ ...schema, components }, '2020-12', false).validate(value)
  return errors.map(({ instanceLocation, error }) => `${instanceLocation} ${error}`)
}
