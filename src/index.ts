/**
 * What does the Worker offer? The HTTP door, and the named entrypoint for Workers that bind to it. No logic.
 */
import type { Environment } from './config'
import { handleRequest } from './http'
import { IdentityEntrypoint } from './rpc'

export type { DeleteUserFailure, DeleteUserOutcome, DeleteUserRequest } from './identity'

/** What another Worker binds to: `deleteUser`, and the HTTP door as `fetch`. */
export class Identity extends IdentityEntrypoint {
  override fetch(request: Request): Promise<Response> {
    return handleRequest(request, this.env, this.ctx)
  }
}

export default { fetch: handleRequest } satisfies ExportedHandler<Environment>
