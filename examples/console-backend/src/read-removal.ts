/**
 * Reads a request of the page. What the Identity Worker would reject as an argument is rejected here, with a sentence for
 * the page. The token is not checked here.
 */

/** The platform lets one request call other Workers 31 times; each person may take three attempts. */
export const MAX_PEOPLE = 10

/** The people to remove, and the token of the person who removes them. */
export interface Removal {
  /** The caller's access token. */
  readonly token: string
  readonly organizationID: string
  readonly userIDs: readonly string[]
  /** Whether a person who is not there counts as done. */
  readonly absentIsDone: boolean
  /** The page can repeat the call with the same key. */
  readonly idempotencyKey: string
}

/** A call that removes no person. */
export class BadCall extends Error {
  override readonly name = 'BadCall'
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
 * @throws BadCall that says what to change
 */
export async function readRemoval(request: Request): Promise<Removal> {
  const organizationID = PATH.exec(request.url)?.pathname.groups['organizationID']
  if (organizationID === undefined) throw new BadCall(404, 'There is nothing at this path')
  if (request.method !== 'POST') throw new BadCall(405, 'Send a POST', { Allow: 'POST' })
  const [, token] = BEARER.exec(request.headers.get('Authorization') ?? '') ?? []
  if (token === undefined) {
    throw new BadCall(401, 'Send an access token', { 'WWW-Authenticate': 'Bearer' })
  }
  const idempotencyKey = request.headers.get('Idempotency-Key') ?? crypto.randomUUID()
  if (!IDEMPOTENCY_KEY.test(idempotencyKey)) {
    throw new BadCall(400, 'Idempotency-Key is 1 to 255 visible ASCII characters')
  }
  return {
    token,
    organizationID: decode(organizationID),
    idempotencyKey,
    ...readBody(await parseBody(request)),
  }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw new BadCall(400, 'The path holds an escape that cannot be decoded')
  }
}

async function parseBody(request: Request): Promise<unknown> {
  try {
    return await request.json()
  } catch {
    throw new BadCall(400, 'Send JSON: { "userIDs": ["…"], "absentIsDone": false }')
  }
}

function readBody(body: unknown): Pick<Removal, 'userIDs' | 'absentIsDone'> {
  const { userIDs, absentIsDone = false } = Object(body) as Readonly<Record<string, unknown>>
  if (!Array.isArray(userIDs) || !userIDs.every(isText)) {
    throw new BadCall(400, 'userIDs must be a list of strings, in well-formed Unicode')
  }
  if (typeof absentIsDone !== 'boolean') throw new BadCall(400, 'absentIsDone must be a boolean')
  const distinct = [...new Set(userIDs)]
  if (distinct.length > MAX_PEOPLE) throw new BadCall(400, `At most ${MAX_PEOPLE} people a call`)
  return { userIDs: distinct, absentIsDone }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed()
}
