/** This project with a queue that does nothing, so that its own part of an event is measured, and not the local queue. */
import type { Environment } from '../../src/config'
import worker from '../../src/index'

const DELETION_EVENTS = { send: async () => {}, sendBatch: async () => {} } as unknown as Queue
let environment: Environment | undefined

export default {
  fetch(request: Request, env: Environment, ctx: ExecutionContext): Promise<Response> {
    environment ??= { ...env, DELETION_EVENTS }
    return worker.fetch(request, environment, ctx)
  },
}
