/**
 * What a case for both doors is, and the words in which the table of cases (door-cases.ts) is written: who asks for what,
 * and the outcomes that there are.
 */
import type { DeleteUserOutcome, DeleteUserRequest } from '../../src/identity'
import type { TokenChanges } from '../support/issuer'
import type { Seed } from '../support/seed'
import type { World } from '../support/world'

/** How the Worker under test is configured, by the names of the bindings to it. */
export type Deployment =
  'USUAL' | 'SCOPED' | 'KEEPING' | 'WITHOUT_AUDIENCE' | 'WITHOUT_ISSUER' | 'WITHOUT_TABLES'

/** Where a case happens. */
export interface Situation {
  readonly world: World
  /** A token for a subject. */
  readonly token: (subject: string, changes?: TokenChanges) => Promise<string>
}

/** One case. */
export interface DoorCase {
  readonly title: string
  readonly deployment?: Deployment
  /** Fails before a path is looked at, so that the HTTP door's line has neither route nor scope. */
  readonly unrouted?: true
  /** The calls, one after the other. All but the last delete someone. */
  readonly calls: (at: Situation) => Promise<readonly DeleteUserRequest[]>
  readonly outcome: DeleteUserOutcome
  /** The `reason` of the last call's log line. */
  readonly reason?: string
  /** How many D1 batches the last call costs. */
  readonly batches: 0 | 1
}

/** A user ID that needs escaping in a URL. */
export const ODD_ID = 'ü/%2F?#;💡 \0'
/** The subjects of two administrators who are not active. */
export const [SUSPENDED, PENDING] = ['a-suspended-person', 'a-pending-person']

/** What the cases need beside the usual world. */
export function addToWorld(seed: Seed, { organizationID, administrators }: World): void {
  seed.member(organizationID, { id: ODD_ID })
  for (const [subject, state] of [
    [SUSPENDED, 'suspended'],
    [PENDING, 'pending'],
  ] as const) {
    const person = seed.person({ subject, state })
    seed.member(organizationID, { groups: [administrators], person })
  }
}

export const removed = { ok: true } as const
const refused = (status: 401 | 403 | 404, error: string, error_description: string) =>
  ({ ok: false, status, error, error_description }) as DeleteUserOutcome
export const unauthorized = refused(401, 'access_denied', 'authentication failed')
export const forbidden = refused(
  403,
  'forbidden',
  'user credentials do not have the required privileges',
)
export const notFound = refused(404, 'not_found', 'the requested resource does not exist')
export const lastAdministrator = refused(
  403,
  'forbidden',
  'the last administrator of an organization can only be removed by a platform administrator',
)
export const failed = {
  ok: false,
  status: 500,
  error: 'server_error',
  error_description: 'an unexpected error occurred, which may succeed on a retry',
} as const

/** The administrator asks for the target, but for what is different. */
export function ask(changes: Partial<DeleteUserRequest> = {}, token?: TokenChanges) {
  return async (at: Situation): Promise<DeleteUserRequest[]> => [
    {
      token: await at.token(at.world.administrator.person.subject, token),
      ...idsOf(at.world),
      ...changes,
    },
  ]
}

/** Somebody else asks. */
export function askAs(subject: (world: World) => string, changes: Partial<DeleteUserRequest> = {}) {
  return async (at: Situation): Promise<DeleteUserRequest[]> => [
    { token: await at.token(subject(at.world)), ...idsOf(at.world), ...changes },
  ]
}

const idsOf = ({ target: { organizationID, userID } }: World) => ({ organizationID, userID })
