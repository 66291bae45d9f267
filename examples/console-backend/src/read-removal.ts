/**
 * Reads and validates a request, except for the token: the Identity Worker validates it.
 */

/** The platform lets one request call other Workers 31 times; each person may take three attempts. */
const MAX_PEOPLE = 10

/** A valid request. */
export interface Removal {
  readonly token: string
  readonly organizationID: string
  readonly userIDs: readonly string[]
  /** Whether a person who is not in the organization counts as done. */
  readonly absentIsDone: boolean
  /** The page can repeat the call with the same key. */
  readonly idempotencyKey: string
}

/** A request that is not valid. The message says what to change. */
export class InvalidCall extends Error {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.status = status
    this.headers = headers
  }
}

const PATH = new URLPattern({ pathname: '/organizations/:organizationID/removals' })
const BEARER = /^Bearer +([^ ]+)$/i
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/

/**
 * Reads `POST /organizations/{organizationID}/removals` with `{ "userIDs": […], "absentIsDone": true }`.
 *
 * @throws InvalidCall
 */
export async function readRemoval(request: Request): Promise<Removal> {
  const segment = PATH.exec(request.url)?.pathname.groups['organizationID']
  if (segment === undefined) throw new InvalidCall(404, 'There is nothing at this path')
  if (request.method !== 'POST') throw new InvalidCall(405, 'Send a POST', { Allow: 'POST' })
  const [, token] = BEARER.exec(request.headers.get('Authorization') ?? '') ?? []
  if (token === undefined) {
    throw new InvalidCall(401, 'Send an access token', { 'WWW-Authenticate': 'Bearer' })
  }
  const idempotencyKey = request.headers.get('Idempotency-Key') ?? crypto.randomUUID()
  if (!IDEMPOTENCY_KEY.test(idempotencyKey)) {
    throw new InvalidCall(400, 'Idempotency-Key is 1 to 255 visible ASCII characters')
  }
  const organizationID = await read('The path has an invalid escape', () =>
    decodeURIComponent(segment),
  )
  const body: unknown = await read('Send JSON: { "userIDs": ["…"] }', () => request.json())
  return { token, organizationID, idempotencyKey, ...readBody(body) }
}

/** The result of a function; if it throws, the request is not valid. */
async function read<T>(message: string, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run()
  } catch {
    throw new InvalidCall(400, message)
  }
}

function readBody(body: unknown): Pick<Removal, 'userIDs' | 'absentIsDone'> {
  const { userIDs, absentIsDone = false } = Object(body) as Readonly<Record<string, unknown>>
  if (!Array.isArray(userIDs) || !userIDs.every(isText)) {
    throw new InvalidCall(400, 'userIDs must be a list of strings, in well-formed Unicode')
  }
  if (typeof absentIsDone !== 'boolean') {
    throw new InvalidCall(400, 'absentIsDone must be a boolean')
  }
  const distinct = [...new Set(userIDs)]
  if (distinct.length > MAX_PEOPLE) throw new InvalidCall(400, `At most ${MAX_PEOPLE} userIDs`)
  return { userIDs: distinct, absentIsDone }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed()
}
