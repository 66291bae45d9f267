/**
 * What is remembered of a request? One JSON line, and this allow-list of its members: no token, no claims, no e-mail
 * address but where the actor's own subject is one, no raw path of an unmatched request.
 */
import type { IdentityError } from './errors'

/** A URL's limit; only a Worker that binds to this one can send a longer ID, and a log holds 256 KB a request. */
const MAX_ID_LENGTH = 16 * 1024

/** Who called, as far as it is known: the subject from a verified token, the kind from the database. */
export interface Actor {
  readonly kind?: 'user' | 'service_account'
  readonly subject: string
}

/** What the database did for the request, over all attempts. */
export interface DatabaseUse {
  readonly attempts: number
  readonly sqlMs?: number
  readonly rowsRead?: number
  readonly rowsWritten?: number
  /** D1's region where the runtime tells it. */
  readonly region?: string
}

/** The line as it grows with the request. The doors open and write it, the use case fills it in. */
export interface RequestLine {
  readonly requestID: string
  readonly startedAt: number
  readonly method?: string
  readonly door?: 'rpc'
  route?: string
  actor?: Actor
  scope?: { readonly organizationID: string; readonly userID: string }
  groupsRemoved?: number
  database?: DatabaseUse
  readonly traceID: string | undefined
}

/**
 * Writes the line of a request that has ended.
 *
 * @param failure what went wrong, if anything did; its reason and detail are for this line alone
 */
export function writeRequestLine(line: RequestLine, status: number, failure?: IdentityError): void {
  const { requestID, method, route, door, startedAt, actor, scope, groupsRemoved } = line
  console.log(
    JSON.stringify({
      message: 'request',
      requestID,
      door,
      method,
      route,
      status,
      error: failure?.answer.error,
      reason: failure && nameReason(failure),
      durationMs: Date.now() - startedAt,
      actor,
      scope: scope && {
        organizationID: scope.organizationID.slice(0, MAX_ID_LENGTH),
        userID: scope.userID.slice(0, MAX_ID_LENGTH),
      },
      groupsRemoved,
      database: line.database,
      traceID: line.traceID,
    }),
  )
}

/** A required scope is in the configuration anyway; a variable's or an exception's name is what an operator looks for. */
function nameReason({ reason, detail }: IdentityError): string {
  const named = reason === 'configuration' || reason === 'unexpected'
  return named ? `${reason}:${detail}` : reason
}
