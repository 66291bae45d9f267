/**
 * The Worker under test with its database watched: after each request one line says what was asked of D1. Everything
 * else is the Worker's own.
 */
import type { Environment } from '../../../src/config'
import worker, { Identity as RealIdentity } from '../../../src/index'
import type { DeleteUserOutcome, DeleteUserRequest } from '../../../src/identity'
import { watch, type WatchedDatabase } from '../../support/database'

function report({ calls, statements }: WatchedDatabase): void {
  console.log(JSON.stringify({ message: 'database', calls, statements: statements.length }))
}

/** The transport `rpc`. */
export class Identity extends RealIdentity {
  readonly #database: WatchedDatabase

  constructor(ctx: ExecutionContext, env: Environment) {
    const database = watch(env.DB)
    super(ctx, { ...env, DB: database.db })
    this.#database = database
  }

  override async deleteUser(request: DeleteUserRequest): Promise<DeleteUserOutcome> {
    try {
      return await super.deleteUser(request)
    } finally {
      report(this.#database)
    }
  }

  override async fetch(request: Request): Promise<Response> {
    const response = await super.fetch(request)
    report(this.#database)
    return response
  }
}

/** The transport `http`. */
export default {
  async fetch(request: Request, env: Environment, ctx: ExecutionContext): Promise<Response> {
    const database = watch(env.DB)
    const response = await worker.fetch(request, { ...env, DB: database.db }, ctx)
    report(database)
    return response
  },
}
