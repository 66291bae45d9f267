/**
 * The situation that most tests start from: one organization with every kind of caller and someone to delete, and
 * another organization beside it.
 */
import { createSeed, type Member, type Person, type Seed } from '../../dev/seeder.ts'

/** Who and what there is. */
export interface Fixture {
  readonly organizationID: string
  readonly administrators: string
  readonly auditors: string
  readonly readers: string
  /** May delete here, through the administrators' group. */
  readonly administrator: Member
  /** May read here, and no more. */
  readonly auditor: Member
  /** A member without any group. */
  readonly plain: Member
  /** Is in two groups: auditors and readers. */
  readonly target: Member
  /** The ID of a service account that may delete here. */
  readonly serviceAccount: string
  /** May delete everywhere, and is a member nowhere. */
  readonly platformAdministrator: Person
  readonly otherOrganizationID: string
  /** May delete in the other organization. */
  readonly otherAdministrator: Member
  /** The person who is `target`, in the other organization. */
  readonly targetElsewhere: Member
}

/** Writes a new fixture; `more` may add rows of its own to it. */
export async function createFixture(
  db: D1Database,
  more?: (seed: Seed, fixture: Fixture) => void,
): Promise<Fixture> {
  const seed = createSeed()
  const organizationID = seed.organization()
  const administrators = seed.group(organizationID, ['administrator'])
  const auditors = seed.group(organizationID, ['auditor'])
  const readers = seed.group(organizationID, ['reader', 'user'])
  const target = seed.member(organizationID, { groups: [auditors, readers] })
  const otherOrganizationID = seed.organization()
  const otherAdministrators = seed.group(otherOrganizationID, ['administrator'])
  const fixture: Fixture = {
    organizationID,
    administrators,
    auditors,
    readers,
    administrator: seed.member(organizationID, { groups: [administrators] }),
    auditor: seed.member(organizationID, { groups: [auditors] }),
    plain: seed.member(organizationID),
    target,
    serviceAccount: seed.serviceAccount(organizationID, [administrators]),
    platformAdministrator: seed.person({ globalRoles: ['platform-administrator'] }),
    otherOrganizationID,
    otherAdministrator: seed.member(otherOrganizationID, { groups: [otherAdministrators] }),
    targetElsewhere: seed.member(otherOrganizationID, {
      person: target.person,
      groups: [otherAdministrators],
    }),
  }
  more?.(seed, fixture)
  await seed.save(db)
  return fixture
}

/** A person, a membership, or the ID of a service account. */
export type Subject = Member | Person | string

/** Returns the `sub` of a caller's token. */
export function subjectOf(caller: Subject): string {
  if (typeof caller === 'string') return caller
  return 'person' in caller ? caller.person.subject : caller.subject
}
