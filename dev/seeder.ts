/**
 * Writes rows in the terms of the data model: collects them in memory, with new IDs, and sends them as one batch. Runs
 * in workerd and in Node. Tests that make their own organizations can share a database.
 */
import type { Database, Row } from './database.ts'

/** State of a person, on the platform or in an organization. */
export type State = 'active' | 'pending' | 'suspended'

/** A person, platform-wide. */
export interface Person {
  readonly id: string
  readonly subject: string
}

/** One person's membership of one organization. */
export interface Member {
  /** The API's `userID`. */
  readonly userID: string
  readonly organizationID: string
  readonly person: Person
}

/** The values that a person can get; each has a default. */
export interface PersonOptions {
  readonly id?: string
  readonly subject?: string
  readonly state?: State
  /** Roles bound at global scope. */
  readonly globalRoles?: readonly string[]
}

/** The values that a member can get; each has a default. */
export interface MemberOptions {
  readonly id?: string
  readonly state?: State
  readonly groups?: readonly string[]
  /** An existing person; by default a new one, made with `personOptions`. */
  readonly person?: Person
  readonly personOptions?: PersonOptions
}

/** Collects rows. Each method returns the IDs of its row. */
export type Seed = ReturnType<typeof createSeed>

/** The permission that the Worker requires, as `Seed.role` takes it. */
export const DELETE_USERS = 'organization identity:users delete'

let run: string | undefined
let count = 0

/** A new ID. IDs ascend, so the number of rows that SQLite reads does not depend on chance. */
function fresh(kind: string): string {
  run ??= crypto.randomUUID().slice(0, 8)
  count += 1
  return `${kind}-${run}-${String(count).padStart(6, '0')}`
}

/** Makes an empty collection of rows. */
export function createSeed() {
  let rows: (readonly [table: string, values: Row])[] = []
  const add = (table: string, values: Row) => void rows.push([table, values])

  function person(options: PersonOptions = {}): Person {
    const { id = fresh('person'), subject = fresh('subject'), state = 'active' } = options
    const { globalRoles = [] } = options
    add('users', { id, subject, state })
    for (const role_id of globalRoles) add('global_role_bindings', { user_id: id, role_id })
    return { id, subject }
  }

  return {
    organization(id = fresh('org'), name = id) {
      add('organizations', { id, name })
      return id
    },
    group(organization_id: string, roles: Names = [], id = fresh('group'), name = id) {
      add('groups', { id, organization_id, name })
      for (const role_id of roles) add('group_roles', { group_id: id, role_id })
      return id
    },
    person,
    member(organizationID: string, options: MemberOptions = {}): Member {
      const { id = fresh('user'), state = 'active', groups = [] } = options
      const owner = options.person ?? person(options.personOptions)
      const organization_id = organizationID
      add('organization_users', { id, organization_id, user_id: owner.id, state })
      for (const group_id of groups) {
        add('group_members', { organization_id, group_id, organization_user_id: id })
      }
      return { userID: id, organizationID, person: owner }
    },
    /** @returns the account's ID, which is the `sub` of its tokens */
    serviceAccount(organization_id: string, groups: Names = [], id = fresh('account'), name = id) {
      add('service_accounts', { id, organization_id, name })
      for (const group_id of groups) {
        add('group_service_accounts', { organization_id, group_id, service_account_id: id })
      }
      return id
    },
    /** A role with these permissions, each as `scope endpoint operation`. */
    role(permissions: readonly `${string} ${string} ${string}`[]) {
      const id = fresh('role')
      add('roles', { id, name: id })
      for (const permission of permissions) {
        const [scope = '', endpoint = '', operation = ''] = permission.split(' ')
        add('role_permissions', { role_id: id, scope, endpoint, operation })
      }
      return id
    },
    /** A deletion record; the values replace or add columns. */
    deletion(values: Row = {}) {
      add('user_deletions', {
        id: fresh('deletion'),
        organization_id: 'o',
        organization_user_id: 'u',
        user_id: 'p',
        actor_kind: 'user',
        actor_subject: 's',
        groups_removed: 0,
        request_id: 'r',
        deleted_at: 1,
        ...values,
      })
    },
    /** Any row of any table. */
    row: add,
    /** Writes the collected rows, in order, and forgets them. */
    async save(db: Database) {
      const statements = rows.map(([table, values]) => {
        const columns = Object.keys(values)
        const marks = columns.map(() => '?')
        return db
          .prepare(`INSERT INTO ${table} (${columns.join()}) VALUES (${marks.join()})`)
          .bind(...Object.values(values))
      })
      rows = []
      if (statements.length > 0) await db.batch(statements)
    },
  }
}

type Names = readonly string[]
