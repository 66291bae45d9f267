/**
 * The rows that most tests start from: one organization with every kind of caller and a user to delete, and another
 * organization.
 */
import { createSeed, type Member, type Person, type Seed } from '../../dev/seeder.ts'

export type Fixture = ReturnType<typeof seedFixture>

function seedFixture(seed: Seed) {
  const organizationID = seed.organization()
  const administrators = seed.group(organizationID, ['administrator'])
  const auditors = seed.group(organizationID, ['auditor'])
  const readers = seed.group(organizationID, ['reader', 'user'])
  const target = seed.member(organizationID, { groups: [auditors, readers] })
  const otherOrganizationID = seed.organization()
  const others = seed.group(otherOrganizationID, ['administrator'])
  return {
    organizationID,
    administrators,
    auditors,
    readers,
    /** May delete here, through the administrators' group. */
    administrator: seed.member(organizationID, { groups: [administrators] }),
    /** May only read here. */
    auditor: seed.member(organizationID, { groups: [auditors] }),
    /** A member without any group. */
    plain: seed.member(organizationID),
    /** Is in two groups: auditors and readers. */
    target,
    /** The ID of a service account that may delete here. */
    serviceAccount: seed.serviceAccount(organizationID, [administrators]),
    /** May delete in every organization, and is a member of none. */
    platformAdministrator: seed.person({ globalRoles: ['platform-administrator'] }),
    otherOrganizationID,
    /** May delete in the other organization. */
    otherAdministrator: seed.member(otherOrganizationID, { groups: [others] }),
    /** The person who is `target`, in the other organization. */
    targetElsewhere: seed.member(otherOrganizationID, { person: target.person, groups: [others] }),
  }
}

/** Writes a new fixture. `more` can add rows. */
export async function createFixture(
  db: D1Database,
  more?: (seed: Seed, fixture: Fixture) => void,
): Promise<Fixture> {
  const seed = createSeed()
  const fixture = seedFixture(seed)
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
