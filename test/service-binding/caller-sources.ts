/**
 * The source of Workers that call the one under test, as somebody else would write them: texts, since they are compiled in
 * folders that see nothing of this project.
 */

/** With the declaration alone. */
export const CALLER = `import type { DeleteUserFailure, DeleteUserOutcome, DeleteUserRequest, Identity } from './identity'

interface CallerEnv { readonly IDENTITY: Service<Identity> }

export default {
  async fetch(request, { IDENTITY }): Promise<Response> {
    const asked: DeleteUserRequest = { token: 't', organizationID: 'o', userID: 'u' }
    const outcome: DeleteUserOutcome = await IDENTITY.deleteUser(asked)
    if (outcome.ok) return IDENTITY.fetch(request)
    const { status, error, error_description, retryAfter = 0 }: DeleteUserFailure = outcome
    const headers = { 'Retry-After': retryAfter.toFixed() }
    return Response.json({ error, error_description }, { status, headers })
  },
} satisfies ExportedHandler<CallerEnv>
`
/** Each error that is expected must be one, or the compiler complains. */
export const MISUSE = `import { Identity, type DeleteUserFailure } from './identity'

export async function misuse(IDENTITY: Service<Identity>): Promise<void> {
  // @ts-expect-error a token is missing
  await IDENTITY.deleteUser({ organizationID: 'o', userID: 'u' })
  // @ts-expect-error an ID is text
  await IDENTITY.deleteUser({ token: 't', organizationID: 'o', userID: 7 })
  // @ts-expect-error there is no such field
  await IDENTITY.deleteUser({ token: 't', organizationID: 'o', userID: 'u', user: 'u' })
  // @ts-expect-error there is no such method
  await IDENTITY.listUsers()
  const outcome = await IDENTITY.deleteUser({ token: 't', organizationID: 'o', userID: 'u' })
  // @ts-expect-error it may be a deletion
  outcome.error
  // @ts-expect-error no outcome has this status
  if (!outcome.ok && outcome.status === 405) return
  // @ts-expect-error it is a type and no value
  new Identity()
}

/** An error_description may be reworded, and is no literal. */
export const failure: DeleteUserFailure = {
  ok: false, status: 500, error: 'server_error', error_description: 'any sentence',
}
`

/** With the types that `wrangler types` makes. */
export const GENERATED_CALLER = `export default {
  async fetch(request, { IDENTITY }): Promise<Response> {
    const outcome = await IDENTITY.deleteUser({ token: 't', organizationID: 'o', userID: 'u' })
    if (outcome.ok) return IDENTITY.fetch(request)
    return Response.json(outcome.error, { status: outcome.status })
  },
} satisfies ExportedHandler<Env>
`
