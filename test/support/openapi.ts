/**
 * Checks a response against docs/openapi.yaml: its status, its body and every header, and that it has no other. The
 * schemas are checked by @cfworker/json-schema. Runs in workerd, where validators that compile cannot, and in Node.
 */
import { Validator, type Schema } from '@cfworker/json-schema'
import { parse } from 'yaml'
import text from '../../docs/openapi.yaml?raw'

/** A response as its caller got it. The path has no query. */
export type ObservedResponse = Readonly<
  Record<'method' | 'path' | 'body', string> & { status: number; headers: Headers }
>

interface ResponseObject {
  readonly headers?: Readonly<Record<string, { required?: boolean; schema: Schema }>>
  readonly content?: Readonly<Record<string, { example?: unknown; schema: Schema }>>
}

interface OperationObject {
  readonly security?: unknown
  readonly responses: Readonly<Record<string, ResponseObject>>
}

/** The parts of the description that tests read. */
interface Description {
  readonly servers: readonly { readonly url: string }[]
  readonly security: unknown
  readonly paths: {
    readonly [PATH]: Record<'delete' | 'options', OperationObject> & { parameters: object[] }
  }
  readonly components: {
    readonly responses: Readonly<Record<string, ResponseObject>>
    readonly schemas: Readonly<Record<string, Schema>>
    readonly securitySchemes: Readonly<Record<string, unknown>>
  }
}

export const PATH = '/api/v1/organizations/{organizationID}/users/{userID}'
const PATTERN = /^\/api\/v1\/organizations\/[^/]+\/users\/[^/]+$/

/** Headers of the connection, which no Worker sets. */
const CONNECTION = 'connection content-length date keep-alive transfer-encoding'.split(' ')

/** The description as written. */
export const written = parse(text) as Record<string, unknown>

/** The description with the object in place of each reference to it. */
export const description = resolve(written) as Description

function resolve(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || !('$ref' in inner)) return inner
    const [, ...names] = String(inner.$ref).split('/')
    let found: unknown = written
    for (const name of names) found = (found as Record<string, unknown>)[name]
    return resolve(found)
  })
}

/**
 * Checks a response.
 *
 * @throws Error that names every difference between the response and the description
 */
export function checkResponse(observed: ObservedResponse): void {
  const { method, path, status } = observed
  const problems = [...findProblems(observed, findResponse(observed))]
  if (problems.length === 0) return
  throw new Error(`${method} ${path}: ${status}\n- ${problems.join('\n- ')}`)
}

function findResponse({ method, path, status }: ObservedResponse): ResponseObject | undefined {
  const { methodNotAllowed, notFound, serverError } = description.components.responses
  const isOnPath = PATTERN.test(new URL(path, 'https://any.example').pathname)
  if (!isOnPath) return { 404: notFound, 500: serverError }[status]
  const { delete: DELETE, options: OPTIONS } = description.paths[PATH]
  const operations: Readonly<Record<string, OperationObject>> = { DELETE, OPTIONS }
  const others = { 405: methodNotAllowed, 500: serverError }
  return new Map(Object.entries(operations[method]?.responses ?? others)).get(String(status))
}

function* findProblems(
  { method, headers, body }: ObservedResponse,
  response: ResponseObject | undefined,
): Generator<string> {
  if (response === undefined) return yield 'the description has no such response'
  const { content = {} } = response
  const described = Object.entries(response.headers ?? {})
  const types = Object.keys(content)
  if (types.length > 0) {
    described.push(['Content-Type', { required: true, schema: { enum: types } }])
  }
  for (const [name, { required, schema }] of described) {
    const value = headers.get(name)
    if (value === null && required) yield `the header ${name} is missing`
    if (value === null) continue
    const problems = validate(schema, schema.type === 'integer' ? Number(value) : value)
    yield* problems.map((problem) => `the header ${name}: ${problem}`)
  }
  const names = new Set([...CONNECTION, ...described.map(([name]) => name.toLowerCase())])
  for (const [name] of headers) if (!names.has(name)) yield `the header ${name} is not described`

  const media = method === 'HEAD' ? undefined : content[headers.get('Content-Type') ?? '']
  if (media !== undefined) yield* validate(media.schema, JSON.parse(body))
  else if (body !== '') yield 'there is a body'
}

/** What is wrong with a value by a schema; empty if nothing is. */
export function validate(schema: Schema, value: unknown): string[] {
  const { errors } = new Validator(schema, '2020-12', false).validate(value)
  return errors.map(({ instanceLocation, error }) => `${instanceLocation} ${error}`)
}
