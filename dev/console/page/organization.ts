/**
 * Joins the rows of the database into organizations with people and groups, and into deletions. The names of people
 * come from the provider's list, because the database has none.
 */
import type { Row } from '../../database.ts'
import type { Settings, Snapshot } from '../protocol.ts'
import { userPath } from './call.ts'

/** One tenant, with its people and groups. */
export type Organization = ReturnType<typeof readOrganizations>[number]

export interface Target {
  readonly subject: string
  readonly name: string
  readonly organization: string
  readonly groups: number
}

const TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

/** A time in Unix milliseconds, in the person's language and time zone. */
export const formatTime = (time: Row[string] | undefined) => TIME.format(Number(time))

export const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`

const text = (row: Row | undefined, column: string) => String(row?.[column] ?? '')
const byID = (rows: readonly Row[], id: Row[string] | undefined) =>
  rows.find((row) => row['id'] === id)
const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name)

/** The name of a person or a service account; the subject itself if it has none. */
export function nameOf(subject: string, { people, serviceAccount }: Settings): string {
  if (subject === serviceAccount.id) return `${serviceAccount.name} (service account)`
  return people.find((person) => person.subject === subject)?.name ?? subject
}

/** All organizations, by name. */
export function readOrganizations(db: Snapshot, settings: Settings) {
  return db.organizations
    .map((organization) => {
      const isHere = (row: Row) => row['organization_id'] === organization['id']
      const members = db.organization_users
        .filter(isHere)
        .map((user) => readMember(user, db, settings))
        .toSorted(byName)
      const groups = db.groups
        .filter(isHere)
        .map((group) => readGroup(group, db, members))
        .toSorted(byName)
      return { id: text(organization, 'id'), name: text(organization, 'name'), members, groups }
    })
    .toSorted(byName)
}

/** The user that a path names, if the database has it. */
export function findTarget(
  path: string,
  organizations: readonly Organization[],
): Target | undefined {
  for (const { id, name: organization, members } of organizations) {
    const member = members.find((member) => userPath(id, member.id) === path)
    if (member) return { ...member, organization, groups: member.groups.length }
  }
  return undefined
}

/** A person in an organization. Remarks are unusual facts, such as a state that is not active. */
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
    groups: db.group_members
      .filter((membership) => membership['organization_user_id'] === id)
      .map(({ group_id }) => text(byID(db.groups, group_id), 'name'))
      .toSorted(),
  }
}

function readGroup(
  { id, name }: Row,
  db: Snapshot,
  people: readonly { id: string; name: string }[],
) {
  const isHere = (row: Row) => row['group_id'] === id
  const members = db.group_members
    .filter(isHere)
    .map((row) => people.find(({ id }) => id === row['organization_user_id'])?.name ?? '')
  const accounts = db.group_service_accounts
    .filter(isHere)
    .map((row) => text(byID(db.service_accounts, row['service_account_id']), 'name'))
  return {
    name: String(name),
    roles: db.group_roles.filter(isHere).map((binding) => text(binding, 'role_id')),
    members: [...members.toSorted(), ...accounts.map((account) => `${account} (service account)`)],
  }
}

/** All deletion records, the latest first. */
export function readDeletions(db: Snapshot, settings: Settings) {
  return db.user_deletions
    .toSorted((a, b) => Number(b['deleted_at']) - Number(a['deleted_at']))
    .map((row) => {
      const subject = text(byID(db.users, row['user_id']), 'subject')
      const actor = text(row, 'actor_subject')
      const groupIDs = JSON.parse(text(row, 'group_ids') || '[]') as string[]
      return {
        name: nameOf(subject, settings),
        userID: text(row, 'organization_user_id'),
        verb: subject === actor ? 'left' : 'removed from',
        organization: text(byID(db.organizations, row['organization_id']), 'name'),
        groups: count(Number(row['groups_removed']), 'group'),
        by: subject === actor ? '' : `by ${nameOf(actor, settings)}`,
        /** Empty if the record does not hold the groups. A group that was deleted since has no name. */
        groupNames: groupIDs.map((id) => text(byID(db.groups, id), 'name') || id),
        at: formatTime(row['deleted_at']),
        requestID: text(row, 'request_id'),
        idempotencyKey: text(row, 'idempotency_key'),
      }
    })
}
