/**
 * The backend's one call: removes several people from an organization and reports what happened to each. It acts with the
 * token of its caller.
 */
import { BadCall, readRemoval } from './read-removal'
import { removePeople, type PersonReport } from './remove-people'
import type { IdentityBinding } from './remove-person'
import { continueTrace, type Trace } from './trace'

interface ConsoleEnv {
  readonly IDENTITY: IdentityBinding
}

async function handle(request: Request, { IDENTITY }: ConsoleEnv): Promise<Response> {
  const trace = continueTrace(request.headers)
  try {
    const removal = await readRemoval(request)
    const people = await removePeople(IDENTITY, removal, trace)
    log(trace, { status: 200, organizationID: removal.organizationID, people: count(people) })
    return respond(trace, 200, { done: people.every(isDone), people })
  } catch (error) {
    if (!(error instanceof BadCall)) throw error
    log(trace, { status: error.status })
    return respond(trace, error.status, { error: error.message }, error.headers)
  }
}

function isDone({ result }: PersonReport): boolean {
  return result === 'removed' || result === 'already_gone'
}

function count(people: readonly PersonReport[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { result } of people) counts[result] = (counts[result] ?? 0) + 1
  return counts
}

/** One line a call. The lines of the Identity Worker have its `requestID` and `traceID`. */
function log({ requestID, traceID }: Trace, facts: object): void {
  console.log(JSON.stringify({ message: 'removal', requestID, traceID, ...facts }))
}

function respond(trace: Trace, status: number, body: object, headers?: HeadersInit): Response {
  const response = Response.json(body, headers === undefined ? { status } : { status, headers })
  response.headers.set('Cache-Control', 'no-store')
  response.headers.set('X-Request-Id', trace.requestID)
  return response
}

export default { fetch: handle } satisfies ExportedHandler<ConsoleEnv>
