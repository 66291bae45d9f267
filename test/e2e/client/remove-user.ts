/**
 * A caller with a generated client: the types come from docs/openapi.yaml, the requests are openapi-fetch's. Run as a
 * program: `TOKEN=… node remove-user.ts <Worker> <organization> <user> [idempotency key]`; it prints what came of it.
 */
import createClient from 'openapi-fetch'
import type { paths } from './generated/identity.ts'

/** What a caller makes of an answer. */
export interface Outcome {
  readonly kind: 'removed' | 'sign in again' | 'ask an administrator' | 'nobody there' | 'try later'
  readonly status: number
  readonly requestID: string | null
  /** The sentence of the answer; undefined for a removal. */
  readonly description?: string
}

/** Removes a user; every refusal is a value. */
export async function removeUser(
  baseUrl: string,
  token: string,
  organizationID: string,
  userID: string,
  idempotencyKey?: string,
): Promise<Outcome> {
  const client = createClient<paths>({ baseUrl })
  const { error, response } = await client.DELETE(
    '/api/v1/organizations/{organizationID}/users/{userID}',
    {
      params: {
        path: { organizationID, userID },
        header: idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey },
      },
      headers: { Authorization: `Bearer ${token}` },
    },
  )
  const answer = { status: response.status, requestID: response.headers.get('X-Request-Id') }
  if (error === undefined) return { kind: 'removed', ...answer }
  const description = error.error_description
  // The description names each error, so that the compiler knows when all are handled.
  switch (error.error) {
    case 'access_denied':
      return { kind: 'sign in again', ...answer, description }
    case 'forbidden':
      return { kind: 'ask an administrator', ...answer, description }
    case 'not_found':
      return { kind: 'nobody there', ...answer, description }
    case 'server_error':
      return { kind: 'try later', ...answer, description }
    default:
      return error satisfies never
  }
}

if (import.meta.main) {
  const [baseUrl = '', organizationID = '', userID = '', key] = process.argv.slice(2)
  const token = process.env['TOKEN'] ?? ''
  console.log(JSON.stringify(await removeUser(baseUrl, token, organizationID, userID, key)))
}
