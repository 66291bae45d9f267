/**
 * The rules of permission in plain TypeScript, to compare with the SQL of `queries/`. Shares no code with it.
 */
import type { State } from '../../dev/seeder.ts'

/** Rows in the terms of the rules. References are IDs; a permission is `scope endpoint operation`. */
export interface Data {
  readonly roles: Readonly<Record<string, readonly string[]>>
  readonly people: readonly {
    readonly id: string
    readonly subject: string
    readonly state: State
    readonly globalRoles: readonly string[]
  }[]
  readonly organizations: readonly Organization[]
}

interface Organization {
  readonly id: string
  /** The roles of each group. */
  readonly groups: Readonly<Record<string, readonly string[]>>
  readonly members: readonly Member[]
  readonly serviceAccounts: readonly { readonly id: string; readonly groups: readonly string[] }[]
}

interface Member {
  readonly id: string
  readonly personID: string
  readonly state: State
  readonly groups: readonly string[]
}

/** A call of an authenticated subject. */
type Call = Readonly<Record<'subject' | 'organizationID' | 'userID', string>>
type Settings = Readonly<Record<'keepLastAdministrator' | 'membersMayLeave', boolean>>

/** The row that D1 reports. The first rule that applies decides: caller, permission, target, last administrator. */
export function decide(data: Data, call: Call, settings: Settings) {
  const person = data.people.find(({ subject }) => subject === call.subject)
  const isAccount = isServiceAccount(data, call.subject)
  const actorKind = person ? 'user' : 'service_account'
  const refuse = (outcome: string) => ({ outcome, actorKind, groupsRemoved: null })
  if ((person !== undefined) === isAccount) return { ...refuse('caller_unknown'), actorKind: null }
  if (person && person.state !== 'active') return refuse(`caller_${person.state}`)

  const organization = data.organizations.find(({ id }) => id === call.organizationID)
  const target = organization?.members.find(({ id }) => id === call.userID)
  const isPlatformAdministrator = person?.globalRoles.some((role) => grants(data, role, 'global'))
  const isPermitted =
    isPlatformAdministrator ||
    organization?.members.some(
      (member) =>
        member.personID === person?.id &&
        member.state === 'active' &&
        isInGrantingGroup(data, organization, member.groups),
    ) ||
    organization?.serviceAccounts.some(
      ({ id, groups }) => id === call.subject && isInGrantingGroup(data, organization, groups),
    ) ||
    (settings.membersMayLeave &&
      person &&
      person.id === target?.personID &&
      target.state !== 'suspended')
  if (!isPermitted) return refuse('not_permitted')
  if (!organization || !target) return refuse('user_not_found')

  const administrators = organization.members.filter((member) =>
    isAdministrator(data, organization, member),
  )
  const isLast = administrators.length === 1 && administrators[0] === target
  if (settings.keepLastAdministrator && isLast && !isPlatformAdministrator) {
    return refuse('last_administrator')
  }
  return { ...refuse('deleted'), groupsRemoved: target.groups.length }
}

/** A person who can delete users of the organization by a group of it. */
function isAdministrator(data: Data, organization: Organization, member: Member): boolean {
  const person = data.people.find(({ id }) => id === member.personID)
  return (
    person?.state === 'active' &&
    !isServiceAccount(data, person.subject) &&
    member.state === 'active' &&
    isInGrantingGroup(data, organization, member.groups)
  )
}

function isServiceAccount(data: Data, subject: string): boolean {
  return data.organizations.some(({ serviceAccounts }) =>
    serviceAccounts.some(({ id }) => id === subject),
  )
}

function isInGrantingGroup(
  data: Data,
  { groups }: Organization,
  names: readonly string[],
): boolean {
  return names.some((name) => groups[name]?.some((role) => grants(data, role, 'organization')))
}

function grants(data: Data, role: string, scope: 'global' | 'organization'): boolean {
  return data.roles[role]?.includes(`${scope} identity:users delete`) ?? false
}

/** The data after the call. */
export function remove(data: Data, { organizationID, userID }: Call): Data {
  const organizations = data.organizations.map((organization) =>
    organization.id === organizationID
      ? { ...organization, members: organization.members.filter(({ id }) => id !== userID) }
      : organization,
  )
  return { ...data, organizations }
}
