/**
 * The calls of the demonstration, in order, each with the expected response. What happens in the database is given for the
 * user that is named; nothing else may change.
 */
import { callers } from './seed-data.ts'
import type { Stack } from './stack.ts'

/** One call and what is expected. */
export interface Call {
  readonly who: string
  /** Gets the caller's token; undefined if it has none. */
  readonly authenticate?: (stack: Stack) => Promise<string>
  readonly organizationID: string
  readonly userID: string
  /** The expected response. An empty `error` stands for an empty body. */
  readonly status: number
  readonly error: '' | 'access_denied' | 'forbidden' | 'not_found'
  /** What the challenge of a 401 says, if it says anything. */
  readonly challenge?: string
  /** How many groups the user is in before; afterwards a removed one is in none. */
  readonly groups: number
}

const administrator = (stack: Stack) => stack.signIn(callers.administrator)
const dara = { organizationID: 'lumen', userID: 'lumen-dara' }
const noor = { organizationID: 'lumen', userID: 'lumen-noor', groups: 2 }
const removed = { status: 200, error: '' } as const
const unauthorized = { status: 401, error: 'access_denied' } as const
const forbidden = { status: 403, error: 'forbidden' } as const

export const calls: readonly Call[] = [
  {
    who: 'Ada Berg, administrator',
    authenticate: administrator,
    ...dara,
    ...removed,
    groups: 3,
  },
  {
    who: 'Ada Berg, once more',
    authenticate: administrator,
    ...dara,
    status: 404,
    error: 'not_found',
    groups: 0,
  },
  {
    who: 'Bruno Costa, auditor',
    authenticate: (stack) => stack.signIn(callers.auditor),
    ...noor,
    ...forbidden,
  },
  {
    who: 'Ada Berg, an expired token',
    authenticate: (stack) => stack.signInTwoHoursAgo(callers.administrator),
    ...noor,
    ...unauthorized,
    challenge: 'the access token expired',
  },
  { who: 'A caller without a token', ...noor, ...unauthorized },
  {
    who: 'Zoë Visitor, unknown here',
    authenticate: (stack) => stack.signIn('zoe.visitor'),
    ...noor,
    ...unauthorized,
    challenge: 'the access token is invalid',
  },
  {
    who: 'Goran Ilić, suspended',
    authenticate: (stack) => stack.signIn('goran.ilic'),
    ...noor,
    ...forbidden,
  },
  {
    who: 'Ada Berg, elsewhere',
    authenticate: administrator,
    organizationID: 'harbour',
    userID: 'harbour-kemi',
    ...forbidden,
    groups: 1,
  },
  {
    who: 'Chioma Eze, platform admin.',
    authenticate: (stack) => stack.signIn(callers.platformAdministrator),
    organizationID: 'harbour',
    userID: 'harbour-fatima',
    ...removed,
    groups: 2,
  },
  {
    who: 'HR sync, service account',
    authenticate: (stack) => stack.signInServiceAccount(callers.serviceAccount),
    organizationID: 'lumen',
    userID: 'lumen-otto',
    ...removed,
    groups: 3,
  },
]
