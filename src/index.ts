/**
 * What the Worker exports: the HTTP transport, the cron handler, and the named entrypoint for Workers that bind to it. No
 * logic.
 */
import { WorkerEntrypoint } from 'cloudflare:workers'
import type { Environment } from './config'
import { handleRequest } from './http'
import type { DeleteUserOutcome, DeleteUserRequest, Identity as IdentityService } from './identity'
import { handleCall } from './rpc'
import { sweep } from './sweep'

/** The named entrypoint: `deleteUser`, and the HTTP transport as `fetch`. */
export class Identity extends WorkerEntrypoint<Environment> implements IdentityService {
  deleteUser(request: DeleteUserRequest): Promise<DeleteUserOutcome> {
    return handleCall(request, this.env, this.ctx)
  }

  override fetch(request: Request): Promise<Response> {
    return handleRequest(request, this.env, this.ctx)
  }
}

export default {
  fetch: handleRequest,
  scheduled: (_, env) => sweep(env),
} satisfies ExportedHandler<Environment>
