/**
 * Puts the rows of the database together as organizations with people and groups. People's names come from the provider's
 * list, because the database has none.
 */
import type { Row, Settings, Snapshot } from '../protocol.ts'
import { userPath } from './call.ts'

/** One tenant, with its people and groups. */
export type Organization = ReturnType<typeof readOrganizations>[number]

/** A user that a path names. */
export interface Target {
  readonly subject: string
  readonly name: string
  readonly organization: string
  readonly groups: number
}

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

/** A time in Unix milliseconds, in the person's language and time zone. */
export const formatTime = (time: Row[string] | undefined) => TIME.format(Number(time))

/** "1 group", "2 groups". */
export const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`

const text = (row: Row | undefined, column: string) => String(row?.[column] ?? '')
const rowsWith = (rows: readonly Row[], column: string, value: string) =>
  rows.filter((row) => row[column] === value)
const byID = (rows: readonly Row[], id: Row[string] | undefined) =>
  rows.find((row) => row['id'] === id)
const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name)

/** The name of a person or a service account, or else the subject itself. */
export function nameOf(subject: string, { people, serviceAccount }: Settings): string {
  if (subject === serviceAccount.id) return `${serviceAccount.name} (service account)`
  return people.find((person) => person.subject === subject)?.name ?? subject
}

/** All organizations, by name. */
export function readOrganizations(db: Snapshot, settings: Settings) {
  return db.organizations
    .map((row) => {
      const id = text(row, 'id')
      const members = rowsWith(db.organization_users, 'organization_id', id)
        .map((user) => readMember(user, db, settings))
        .toSorted(byName)
      const groups = rowsWith(db.groups, 'organization_id', id)
        .map((group) => readGroup(group, db, members))
        .toSorted(byName)
      return { id, name: text(row, 'name'), members, groups }
    })
    .toSorted(byName)
}

/** The user that a path names, if the database has it. */
export function findTarget(
  path: string,
  organizations: readonly Organization[],
): Target | undefined {
  const wanted = decode(path)
  for (const { id, name: organization, members } of organizations) {
    const member = members.find((member) => decode(userPath(id, member.id)) === wanted)
    if (member) {
      const { subject, name, groups } = member
      return { subject, name, organization, groups: groups.length }
    }
  }
  return undefined
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

/** A person in an organization; remarks are what is out of the ordinary, such as a state that is not active. */
function readMember(row: Row, db: Snapshot, settings: Settings) {
  const id = text(row, 'id')
  const user = byID(db.users, row['user_id'])
  const subject = text(user, 'subject')
  const isPlatformAdministrator = db.global_role_bindings.some(
    (binding) => binding['user_id'] === row['user_id'],
  )
  return {
    id,
    subject,
    name: nameOf(subject, settings),
    remarks: [
      ...(row['state'] === 'active' ? [] : [`${text(row, 'state')} here`]),
      ...(user?.['state'] === 'active' ? [] : [`${text(user, 'state')} everywhere`]),
      ...(isPlatformAdministrator ? ['platform administrator'] : []),
    ],
    groups: rowsWith(db.group_members, 'organization_user_id', id)
      .map(({ group_id }) => text(byID(db.groups, group_id), 'name'))
      .toSorted(),
  }
}

/** A group with its roles and the names of its members. */
function readGroup(row: Row, db: Snapshot, people: readonly { id: string; name: string }[]) {
  const id = text(row, 'id')
  const members = rowsWith(db.group_members, 'group_id', id).map(
    ({ organization_user_id }) => people.find(({ id }) => id === organization_user_id)?.name ?? '',
  )
  const accounts = rowsWith(db.group_service_accounts, 'group_id', id).map(
    ({ service_account_id }) =>
      `${text(byID(db.service_accounts, service_account_id), 'name')} (service account)`,
  )
  return {
    name: text(row, 'name'),
    roles: rowsWith(db.group_roles, 'group_id', id).map((binding) => text(binding, 'role_id')),
    members: [...members.toSorted(), ...accounts],
  }
}

function readIDs(list: Row[string] | undefined): string[] | undefined {
  return typeof list === 'string' ? (JSON.parse(list) as string[]) : undefined
}

/** All deletion records, the latest first. */
export function readDeletions(db: Snapshot, settings: Settings) {
  return db.user_deletions
    .map((row) => ({
      at: Number(row['deleted_at']),
      name: nameOf(text(byID(db.users, row['user_id']), 'subject'), settings),
      organization: text(byID(db.organizations, row['organization_id']), 'name'),
      userID: text(row, 'organization_user_id'),
      actor: nameOf(text(row, 'actor_subject'), settings),
      hasLeft: byID(db.users, row['user_id'])?.['subject'] === row['actor_subject'],
      groups: Number(row['groups_removed']),
      /** Undefined if the record does not hold the groups; one that was deleted since has no name. */
      groupNames: readIDs(row['group_ids'])?.map((id) => text(byID(db.groups, id), 'name') || id),
      requestID: text(row, 'request_id'),
      idempotencyKey: text(row, 'idempotency_key'),
    }))
    .toSorted((a, b) => b.at - a.at)
}
