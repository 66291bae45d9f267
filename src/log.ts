/**
 * The frame of a request, for both transports: runs the work, turns whatever was thrown into an IdentityError, and writes
 * one JSON line. The line has the members below and no others: no token, no claim but `sub`, no text of an exception, no
 * path of an unknown route.
 */
import { toIdentityError, type IdentityError, type Reason } from './errors'

/** UTF-16 units. Only a Worker that binds to this one can send a longer ID, and a log holds 256 KB a request. */
const MAX_LOGGED_ID_LENGTH = 16 * 1024

/** The caller: the subject from a verified token, and the kind from the database if it knows the subject. */
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
  /** D1's region, if the runtime tells it. */
  readonly region?: string
}

/** The members of the line, filled in while the request is worked on. */
export interface RequestLine {
  readonly requestID: string
  readonly transport: 'http' | 'rpc'
  readonly traceID: string | undefined
  readonly method?: string
  route?: string
  actor?: Actor
  scope?: { readonly organizationID: string; readonly userID: string }
  groupsRemoved?: number
  database?: DatabaseUse
}

/** How a request ended: with the status of its success, or with an error. */
export interface Outcome {
  readonly status: number
  readonly error: IdentityError | undefined
}

/**
 * Runs the work of a request and writes its line. Never rejects.
 *
 * @param work resolves to the HTTP status of the success
 */
export async function runRequest(line: RequestLine, work: () => Promise<number>): Promise<Outcome> {
  const startedAt = Date.now()
  const outcome = await findOutcome(work)
  const { status, error } = outcome
  writeLine({
    ...line,
    status,
    error: error?.response.error,
    reason: error && nameReason(error),
    frames: error && readFrames(error),
    durationMs: Date.now() - startedAt,
  })
  return outcome
}

/**
 * Writes the line of a call over a service binding with an argument of a wrong type, which has no outcome.
 *
 * @param argument the name of the argument
 */
export function writeArgumentLine(line: RequestLine, argument: string): void {
  writeLine({ ...line, reason: `argument_invalid:${argument}` })
}

async function findOutcome(work: () => Promise<number>): Promise<Outcome> {
  try {
    return { status: await work(), error: undefined }
  } catch (thrown) {
    const error = toIdentityError(thrown)
    return { status: error.response.status, error }
  }
}

interface WrittenLine extends RequestLine {
  readonly status?: number
  readonly error?: string | undefined
  readonly reason?: string | undefined
  readonly frames?: readonly string[] | undefined
  readonly durationMs?: number
}

function writeLine(line: WrittenLine): void {
  const { requestID, transport, method, route, status, error, reason, frames } = line
  const { durationMs, actor, scope, groupsRemoved, database, traceID } = line
  const text = JSON.stringify({
    message: 'request',
    requestID,
    transport,
    method,
    route,
    status,
    error,
    reason,
    frames,
    durationMs,
    actor,
    scope: scope && {
      organizationID: scope.organizationID.slice(0, MAX_LOGGED_ID_LENGTH),
      userID: scope.userID.slice(0, MAX_LOGGED_ID_LENGTH),
    },
    groupsRemoved,
    database,
    traceID,
  })
  console.log(text.replaceAll(UNSAFE_IN_LOG, escape))
}

/**
 * Matches what JSON does not escape (control characters, line separators, marks of text direction) and the short escapes of
 * JSON, such as `\n`. An escaped backslash matches as a pair, so that the letter behind it does not count as an escape.
 */
const UNSAFE_IN_LOG = /\\[\\bfnrt]|[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

function escape(text: string): string {
  if (text === '\\\\') return text
  const character = text.length === 1 ? text : (JSON.parse(`"${text}"`) as string)
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** The reason, with its detail if that names a variable or the class of an error. Leaves out a required scope. */
export function nameReason({ reason, detail }: IdentityError): string {
  const isNamed = reason === 'configuration' || reason === 'unexpected'
  return isNamed ? `${reason}:${detail}` : reason
}

const REASONS_WITH_FRAMES: ReadonlySet<Reason> = new Set(['unexpected', 'database_failed'])

/** The frames of the stack, for errors that need a look at the code. Source maps turn them into lines of `src/`. */
function readFrames({ reason, cause }: IdentityError): readonly string[] | undefined {
  if (!REASONS_WITH_FRAMES.has(reason)) return undefined
  if (!(cause instanceof Error) || typeof cause.stack !== 'string') return []
  // A message may hold line breaks that look like frames, so the frames begin behind it.
  const start = cause.stack.indexOf(cause.message)
  if (start < 0) return []
  const lines = cause.stack.slice(start + cause.message.length).split('\n')
  return lines.map((line) => line.trim()).filter((line) => line.startsWith('at '))
}
