/**
 * Calls the Worker inside workerd, with any configuration, and checks every response against docs/openapi.yaml.
 */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import worker from '../../../src/index'
import type { Environment } from '../../../src/config'
import { checkResponse } from '../openapi'
import { readLines, type LogLine } from './log'
import type { IssuerVars } from '../../../dev/test-issuer.ts'

const ORIGIN = 'https://identity.example'

/** What a caller sends: a deletion by default. */
export interface Call {
  readonly method?: string
  readonly organizationID?: string
  readonly userID?: string
  /** The whole path with its query, in place of the IDs. */
  readonly path?: string
  /** Sent as `Authorization: Bearer …`. */
  readonly token?: string
  readonly headers?: HeadersInit
  readonly body?: BodyInit
  /** Does not wait for the work behind the response; see `CallResponse.settled`. */
  readonly inBackground?: boolean
}

export interface CallResponse {
  readonly status: number
  readonly headers: Headers
  readonly body: string
  /** What the Worker logged of the request. */
  readonly line: LogLine
  /** Resolves when the work behind the response has ended. */
  readonly settled: Promise<void>
}

/** Variables in any form that a configuration can give them; undefined removes one. */
export type Vars = Readonly<Partial<Record<keyof Environment, unknown>>>

/** Calls with one configuration. */
export type Caller = (call: Call) => Promise<CallResponse>

/**
 * Creates a caller of a Worker that trusts the issuer.
 *
 * @param vars replace all other variables and bindings
 * @param module the Worker, if it is not that of this test file
 */
export function createCaller(
  { vars: trust }: { readonly vars: IssuerVars },
  vars: Vars = {},
  module: typeof worker = worker,
): Caller {
  const environment = { ...env, ...trust, ...vars } as Environment
  return async (call) => {
    const request = createRequest(call)
    const ctx = createExecutionContext()
    const response = await module.fetch(request, environment, ctx)
    const body = await response.text()
    const settled = waitOnExecutionContext(ctx)
    if (call.inBackground !== true) await settled
    const { status, headers } = response
    const { method } = request
    checkResponse({ method, path: new URL(request.url).pathname, status, headers, body })
    const requestID = headers.get('X-Request-Id')
    const line = readLines().findLast((one) => one.requestID === requestID)
    if (line === undefined) throw new Error('the Worker logged no line of this request')
    return { status, headers, body, line, settled }
  }
}

export function createRequest(call: Call): Request {
  const { method = 'DELETE', organizationID = '', userID = '', token, body } = call
  const ids = [organizationID, userID].map(encodeURIComponent)
  const path = call.path ?? `/api/v1/organizations/${ids[0]}/users/${ids[1]}`
  const headers = new Headers(call.headers)
  if (token !== undefined) headers.set('Authorization', `Bearer ${token}`)
  return new Request(ORIGIN + path, { method, headers, ...(body === undefined ? {} : { body }) })
}
