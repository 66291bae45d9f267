/**
 * The rows of the database put together as a person thinks of them: an organization with its people and groups. What the
 * rows do not say, the names of people, comes from the provider's list.
 */
import type { Row, Settings, Snapshot } from '../protocol.ts'

/** A person in an organization. */
export interface Member {
  readonly id: string
  readonly subject: string
  readonly name: string
  /** What is out of the ordinary: a state other than active, here or platform-wide. */
  readonly remarks: readonly string[]
  readonly groups: readonly string[]
}

/** A group: who is in it, and what that gives. */
export interface Group {
  readonly id: string
  readonly name: string
  readonly roles: readonly string[]
  readonly members: readonly string[]
}

/** One tenant. */
export interface Organization {
  readonly id: string
  readonly name: string
  readonly members: readonly Member[]
  readonly groups: readonly Group[]
}

/** A removal that the database remembers. */
export interface Deletion {
  readonly id: string
  readonly at: Date
  readonly organization: string
  readonly userID: string
  readonly actor: string
  readonly groupsRemoved: number
  readonly requestID: string
  readonly idempotencyKey: string | null
}

const text = (row: Row | undefined, column: string) => String(row?.[column] ?? '')
const where = (rows: readonly Row[], column: string, value: string) =>
  rows.filter((row) => row[column] === value)

/** The name of a person or a service account, or else the subject itself. */
export function nameOf(subject: string, { people, serviceAccount }: Settings): string {
  if (subject === serviceAccount.id) return `${serviceAccount.name} (service account)`
  return people.find((person) => person.subject === subject)?.name ?? subject
}

/** All organizations, by name. */
export function readOrganizations(db: Snapshot, settings: Settings): readonly Organization[] {
  return db.organizations
    .map((row) => {
      const id = text(row, 'id')
      const members = where(db.organization_users, 'organization_id', id)
        .map((user) => readMember(user, db, settings))
        .toSorted((a, b) => a.name.localeCompare(b.name))
      const groups = where(db.groups, 'organization_id', id).map((group) =>
        readGroup(group, db, members),
      )
      return { id, name: text(row, 'name'), members, groups }
    })
    .toSorted((a, b) => a.name.localeCompare(b.name))
}

function readMember(row: Row, db: Snapshot, settings: Settings): Member {
  const id = text(row, 'id')
  const user = db.users.find((candidate) => candidate['id'] === row['user_id'])
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
    groups: where(db.group_members, 'organization_user_id', id).map((membership) =>
      nameOfGroup(db, text(membership, 'group_id')),
    ),
  }
}

function readGroup(row: Row, db: Snapshot, members: readonly Member[]): Group {
  const id = text(row, 'id')
  const accounts = where(db.group_service_accounts, 'group_id', id).map(({ service_account_id }) =>
    db.service_accounts.find((account) => account['id'] === service_account_id),
  )
  const people = where(db.group_members, 'group_id', id).map(({ organization_user_id }) =>
    members.find((member) => member.id === organization_user_id),
  )
  return {
    id,
    name: text(row, 'name'),
    roles: where(db.group_roles, 'group_id', id).map((binding) => text(binding, 'role_id')),
    members: [
      ...people.map((member) => member?.name ?? ''),
      ...accounts.map((account) => `${text(account, 'name')} (service account)`),
    ],
  }
}

function nameOfGroup(db: Snapshot, id: string): string {
  return text(
    db.groups.find((group) => group['id'] === id),
    'name',
  )
}

/** All removals, the latest first. */
export function readDeletions(db: Snapshot, settings: Settings): readonly Deletion[] {
  return db.user_deletions
    .map((row) => ({
      id: text(row, 'id'),
      at: new Date(Number(row['deleted_at'])),
      organization: text(
        db.organizations.find(({ id }) => id === row['organization_id']),
        'name',
      ),
      userID: text(row, 'organization_user_id'),
      actor: nameOf(text(row, 'actor_subject'), settings),
      groupsRemoved: Number(row['groups_removed']),
      requestID: text(row, 'request_id'),
      idempotencyKey: row['idempotency_key'] === null ? null : text(row, 'idempotency_key'),
    }))
    .toSorted((a, b) => b.at.getTime() - a.at.getTime())
}
