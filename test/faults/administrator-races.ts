/**
 * Races for the last administrator of an organization, and who must be left, with KEEP_LAST_ADMINISTRATOR and without.
 */
import type { Member } from '../support/seed'

/** One call of a race. */
export interface Attempt {
  readonly subject: string
  readonly target: Member
  readonly key?: string
}

/** Who takes part. */
export interface Organization {
  readonly organizationID: string
  readonly administrators: readonly Member[]
  readonly serviceAccount: string
  readonly platformAdministrator: string
}

const remove = (subject: string, target: Member): Attempt => ({ subject, target })
const removeSelf = (member: Member): Attempt => remove(member.person.subject, member)
const pair = ({ administrators }: Organization): [Member, Member] =>
  administrators as unknown as [Member, Member]

/** A race, to be run many times. */
export interface Race {
  readonly race: string
  readonly size: number
  readonly attempts: (organization: Organization) => readonly Attempt[]
  /** The answers and how many administrators are left, with the setting on and off. */
  readonly keeping: readonly [Record<number, number>, number]
  readonly free: readonly [Record<number, number>, number]
}

/** All of them. */
export const races: readonly Race[] = [
  {
    race: 'two administrators remove each other',
    size: 2,
    attempts: (organization) => {
      const [a, b] = pair(organization)
      return [remove(a.person.subject, b), remove(b.person.subject, a)]
    },
    keeping: [{ 200: 1, 403: 1 }, 1],
    free: [{ 200: 1, 403: 1 }, 1],
  },
  {
    race: 'two administrators remove themselves',
    size: 2,
    attempts: ({ administrators }) => administrators.map(removeSelf),
    keeping: [{ 200: 1, 403: 1 }, 1],
    free: [{ 200: 2 }, 0],
  },
  {
    race: 'eight administrators remove themselves',
    size: 8,
    attempts: ({ administrators }) => administrators.map(removeSelf),
    keeping: [{ 200: 7, 403: 1 }, 1],
    free: [{ 200: 8 }, 0],
  },
  {
    race: 'a service account removes both administrators',
    size: 2,
    attempts: ({ administrators, serviceAccount }) =>
      administrators.map((each) => remove(serviceAccount, each)),
    keeping: [{ 200: 1, 403: 1 }, 1],
    free: [{ 200: 2 }, 0],
  },
  {
    race: 'one administrator removes itself while a service account removes the other',
    size: 2,
    attempts: (organization) => {
      const [a, b] = pair(organization)
      return [removeSelf(a), remove(organization.serviceAccount, b)]
    },
    keeping: [{ 200: 1, 403: 1 }, 1],
    free: [{ 200: 2 }, 0],
  },
  {
    race: 'a platform administrator removes both administrators',
    size: 2,
    attempts: ({ administrators, platformAdministrator }) =>
      administrators.map((each) => remove(platformAdministrator, each)),
    keeping: [{ 200: 2 }, 0],
    free: [{ 200: 2 }, 0],
  },
]
