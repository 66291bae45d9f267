/**
 * The Worker under test with its database watched: after each request, one line has the calls of D1.
 */
import { WorkerEntrypoint } from 'cloudflare:workers'
import type { Environment } from '../../../src/config'
import worker, { Identity as RealIdentity } from '../../../src/index'
import type { DeleteUserRequest } from '../../../src/identity'
import { watch } from '../../support/database'

async function watchDatabase<T>(env: Environment, run: (env: Environment) => Promise<T>) {
  const { db, calls, statements } = watch(env.DB)
  try {
    return await run({ ...env, DB: db })
  } finally {
    console.log(JSON.stringify({ message: 'database', calls, statements: statements.length }))
  }
}

/** The transport `rpc`. */
export class Identity extends WorkerEntrypoint<Environment> {
  deleteUser(request: DeleteUserRequest) {
    return watchDatabase(this.env, (env) => new RealIdentity(this.ctx, env).deleteUser(request))
  }

  override fetch(request: Request) {
    return watchDatabase(this.env, (env) => new RealIdentity(this.ctx, env).fetch(request))
  }
}

/** The transport `http`. */
export default {
  fetch: (request: Request, env: Environment, ctx: ExecutionContext) =>
    watchDatabase(env, (watched) => worker.fetch(request, watched, ctx)),
}
