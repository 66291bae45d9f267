/**
 * Writes the people of seed-data.ts into a migrated database, all or nothing. It never touches a database that holds an
 * organization already.
 */
import type { Database, Row } from './local-workers.ts'
import { organizations, people, type Organization, type Person } from './seed-data.ts'

/**
 * Fills an empty database in one transaction.
 * @returns false if there was data, which stays as it is
 */
export async function seed(database: Database): Promise<boolean> {
  const found = await database.prepare('SELECT id FROM organizations LIMIT 1').first()
  if (found !== null) return false
  await database.batch(
    [...rows()].map(([table, row]) => {
      const columns = Object.keys(row)
      const marks = columns.map(() => '?').join(', ')
      return database
        .prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${marks})`)
        .bind(...Object.values(row))
    }),
  )
  return true
}

/** Every row, parents before children. */
function* rows(): Generator<readonly [table: string, row: Row]> {
  for (const person of people) yield* rowsOfPerson(person)
  for (const organization of organizations) yield* rowsOfOrganization(organization)
}

function* rowsOfPerson({ subject, user, platformAdministrator }: Person) {
  if (user === undefined) return
  yield ['users', { id: user.id, subject, state: user.state }] as const
  if (platformAdministrator) {
    yield ['global_role_bindings', { user_id: user.id, role_id: 'platform-administrator' }] as const
  }
}

function* rowsOfOrganization({ id, name, users, groups, serviceAccounts }: Organization) {
  const organization_id = id
  yield ['organizations', { id, name }] as const
  for (const [userID, { subject, state }] of Object.entries(users)) {
    yield [
      'organization_users',
      { id: userID, organization_id, user_id: idOf(subject), state },
    ] as const
  }
  for (const account of serviceAccounts) {
    yield ['service_accounts', { id: account.id, organization_id, name: account.name }] as const
  }
  for (const group of groups) {
    const group_id = group.id
    yield ['groups', { id: group_id, organization_id, name: group.name }] as const
    for (const role_id of group.roles) yield ['group_roles', { group_id, role_id }] as const
    for (const organization_user_id of group.members) {
      yield ['group_members', { organization_id, group_id, organization_user_id }] as const
    }
    for (const service_account_id of group.serviceAccounts ?? []) {
      yield ['group_service_accounts', { organization_id, group_id, service_account_id }] as const
    }
  }
}

function idOf(subject: string): string {
  const user = people.find((person) => person.subject === subject)?.user
  if (user === undefined) throw new Error(`The seed data has no user with the subject ${subject}`)
  return user.id
}
