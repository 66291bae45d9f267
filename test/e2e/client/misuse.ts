/**
 * Wrong uses of a generated client. Compiled and never run: each line below a directive must be an error.
 */
import createClient from 'openapi-fetch'
import type { paths } from './generated/identity.ts'

const client = createClient<paths>({ baseUrl: 'https://identity.example' })
const PATH = '/api/v1/organizations/{organizationID}/users/{userID}'

export async function misuse(): Promise<void> {
  // @ts-expect-error a path that the Worker does not have
  await client.DELETE('/api/v1/organizations/{organizationID}/people/{userID}', {})

  // @ts-expect-error the user is missing
  await client.DELETE(PATH, { params: { path: { organizationID: 'o' } } })

  // @ts-expect-error an ID is a string
  await client.DELETE(PATH, { params: { path: { organizationID: 'o', userID: 1 } } })

  const params = { path: { organizationID: 'o', userID: 'u' } }
  const { data, error } = await client.DELETE(PATH, { params })

  // @ts-expect-error the response to a deletion has no body
  data?.toString()

  // @ts-expect-error the API has no such error
  if (error?.error === 'conflict') return

  // @ts-expect-error an error has exactly these two members
  error?.message.toString()
}
