/**
 * Calls the Worker over HTTP, and checks every response against docs/openapi.yaml.
 */
import { connect } from 'node:net'
import { checkResponse } from '../openapi'

/** What a caller sends: a deletion by default. */
export interface Call {
  readonly method?: string
  readonly organizationID?: string
  readonly userID?: string
  /** The whole path with its query, in place of the IDs. */
  readonly path?: string
  /** Sent as `Authorization: Bearer …`. */
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal?: AbortSignal
}

export interface CallResponse {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

/** The path of a user, with its IDs escaped. */
export function pathOf(organizationID: string, userID: string): string {
  const ids = [organizationID, userID].map(encodeURIComponent)
  return `/api/v1/organizations/${ids[0]}/users/${ids[1]}`
}

export async function call(worker: URL, call: Call): Promise<CallResponse> {
  const { method = 'DELETE', organizationID = '', userID = '', token, body, signal } = call
  const url = new URL(call.path ?? pathOf(organizationID, userID), worker)
  const headers = new Headers(call.headers)
  if (token !== undefined) headers.set('Authorization', `Bearer ${token}`)
  const response = await fetch(url, {
    method,
    headers,
    redirect: 'manual',
    ...(body === undefined ? {} : { body }),
    ...(signal === undefined ? {} : { signal }),
  })
  const result = { status: response.status, headers: response.headers, body: await response.text() }
  checkResponse({ method, path: url.pathname, ...result })
  return result
}

/** Sends bytes that no client library would. They must ask for `Connection: close`. */
export async function callRaw(worker: URL, request: string): Promise<CallResponse> {
  const socket = connect(Number(worker.port), worker.hostname)
  socket.write(request, 'latin1')
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString('utf8')
  const [head = '', ...rest] = text.replace(/^HTTP\/1\.1 100 .*?\r\n\r\n/s, '').split('\r\n\r\n')
  const [statusLine = '', ...fields] = head.split('\r\n')
  const headers = new Headers()
  for (const field of fields) {
    const [name = '', ...value] = field.split(':')
    headers.append(name, value.join(':'))
  }
  const [, status] = statusLine.split(' ')
  const result = { status: Number(status), headers, body: rest.join('\r\n\r\n') }
  const [method = '', path = ''] = request.split(' ')
  checkResponse({ method, path, ...result })
  return result
}
