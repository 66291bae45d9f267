/**
 * A Worker with one call: it removes several people from an organization, with the token of its caller, and reports the
 * result for each.
 */
import { InvalidCall, readRemoval } from './read-removal'
import { removePeople, type IdentityBinding } from './remove-people'
import { continueTrace } from './trace'

interface ConsoleEnv {
  readonly IDENTITY: IdentityBinding
}

async function handle(request: Request, { IDENTITY }: ConsoleEnv): Promise<Response> {
  const trace = continueTrace(request.headers)
  const { requestID, traceID } = trace
  /** Responds, with one log line. The lines of the Identity Worker have the same request ID and trace ID. */
  function respond(status: number, body: object, facts: object, headers?: HeadersInit): Response {
    console.log(JSON.stringify({ message: 'removal', requestID, traceID, status, ...facts }))
    const response = Response.json(body, { status, ...(headers && { headers }) })
    response.headers.set('Cache-Control', 'no-store')
    response.headers.set('X-Request-Id', requestID)
    return response
  }
  try {
    const removal = await readRemoval(request)
    const people = await removePeople(IDENTITY, removal, trace)
    const results = people.map(({ result }) => result)
    const done = results.every((result) => result === 'removed' || result === 'already_gone')
    return respond(200, { done, people }, { organizationID: removal.organizationID, results })
  } catch (error) {
    if (!(error instanceof InvalidCall)) throw error
    return respond(error.status, { error: error.message }, {}, error.headers)
  }
}

export default { fetch: handle } satisfies ExportedHandler<ConsoleEnv>
