/**
 * The people, organizations and groups of the local stack, and their rows in the database. Names and e-mail addresses
 * are the OpenID provider's; the database holds IDs, states, memberships and roles.
 */
import type { Database } from './database.ts'
import { createSeed, type State } from './seeder.ts'

/** A person who can sign in at the provider. */
export interface Person {
  /** The `sub` of the person's tokens. */
  readonly subject: string
  readonly name: string
  readonly email: string
  /** The state in the database; undefined if the database does not have the person. */
  readonly state: State | undefined
}

const person = (subject: string, name: string, state: State | undefined = 'active'): Person => ({
  subject,
  name,
  email: `${subject}@people.example`,
  state,
})

export const people: readonly Person[] = [
  person('ada.berg', 'Ada Berg'),
  person('bruno.costa', 'Bruno Costa'),
  person('chioma.eze', 'Chioma Eze'),
  person('dara.flynn', 'Dara Flynn'),
  person('emil.novak', 'Emil Novak'),
  person('fatima.haddad', 'Fatima Haddad'),
  person('goran.ilic', 'Goran Ilić'),
  person('hana.kimura', 'Hana Kimura', 'pending'),
  person('ines.lopez', 'Inés López'),
  person('jonas.meyer', 'Jonas Meyer', 'suspended'),
  person('kemi.okafor', 'Kemi Okafor'),
  person('liam.park', 'Liam Park'),
  person('mina.rossi', 'Mina Rossi'),
  person('noor.saleh', 'Noor Saleh'),
  person('otto.weiss', 'Otto Weiß'),
  { ...person('zoe.visitor', 'Zoë Visitor'), state: undefined },
]

/** The callers of the printed examples and of the demonstration. */
export const callers = {
  administrator: 'ada.berg',
  auditor: 'bruno.costa',
  platformAdministrator: 'chioma.eze',
  serviceAccount: 'lumen-hr-sync',
} as const

/** One tenant. Members are given by subject, with the names of their groups. */
export interface Organization {
  readonly id: string
  readonly name: string
  /** The roles of each group. */
  readonly groups: Readonly<Record<string, readonly string[]>>
  readonly members: Readonly<Record<string, readonly string[]>>
  /** The states of memberships that are not active. */
  readonly states: Readonly<Record<string, State>>
  readonly serviceAccounts: readonly ServiceAccount[]
}

/** A program that signs in by itself. */
export interface ServiceAccount {
  readonly id: string
  readonly name: string
  readonly groups: readonly string[]
}

export const organizations: readonly Organization[] = [
  {
    id: 'lumen',
    name: 'Lumen Robotics',
    groups: {
      Administrators: ['administrator'],
      Audit: ['auditor'],
      Engineers: ['user'],
      'On call': ['user', 'reader'],
      Everyone: ['reader'],
      Automation: ['administrator'],
    },
    members: {
      'ada.berg': ['Administrators', 'Engineers', 'Everyone'],
      'bruno.costa': ['Audit', 'Everyone'],
      'dara.flynn': ['Engineers', 'On call', 'Everyone'],
      'emil.novak': ['Engineers'],
      'fatima.haddad': ['Everyone'],
      'goran.ilic': ['Administrators'],
      'noor.saleh': ['Engineers', 'On call'],
      'otto.weiss': ['Engineers', 'On call', 'Everyone'],
    },
    states: { 'goran.ilic': 'suspended' },
    serviceAccounts: [{ id: callers.serviceAccount, name: 'HR sync', groups: ['Automation'] }],
  },
  {
    id: 'harbour',
    name: 'Harbour Logistics',
    groups: { Administrators: ['administrator'], Dispatch: ['user'], Audit: ['auditor'] },
    members: {
      'fatima.haddad': ['Administrators', 'Dispatch'],
      'hana.kimura': ['Dispatch'],
      'ines.lopez': ['Audit'],
      'jonas.meyer': ['Administrators'],
      'kemi.okafor': ['Dispatch'],
    },
    states: { 'hana.kimura': 'pending' },
    serviceAccounts: [],
  },
  {
    id: 'meadow',
    name: 'Meadow Clinic',
    groups: { Administrators: ['administrator'], Ward: ['reader'] },
    members: { 'liam.park': ['Administrators'], 'mina.rossi': ['Ward'] },
    states: {},
    serviceAccounts: [{ id: 'meadow-reports', name: 'Reports (in no group)', groups: [] }],
  },
]

/** All service accounts. */
export const serviceAccounts = organizations.flatMap((organization) => organization.serviceAccounts)

/**
 * Fills an empty, migrated database in one transaction.
 * @returns false if the database has an organization; then nothing is written
 */
export async function seed(database: Database): Promise<boolean> {
  const found = await database.prepare('SELECT id FROM organizations LIMIT 1').first()
  if (found !== null) return false
  const seed = createSeed()
  for (const { subject, state } of people) {
    const globalRoles = subject === callers.platformAdministrator ? ['platform-administrator'] : []
    if (state !== undefined) seed.person({ ...rowOf(subject), state, globalRoles })
  }
  for (const { id, name, groups, members, states, serviceAccounts } of organizations) {
    const toIDs = (names: readonly string[]) => names.map((group) => toID(id, group))
    seed.organization(id, name)
    for (const [group, roles] of Object.entries(groups)) {
      seed.group(id, roles, toID(id, group), group)
    }
    for (const [subject, names] of Object.entries(members)) {
      const person = rowOf(subject)
      const state = states[subject] ?? 'active'
      seed.member(id, { id: toID(id, firstName(subject)), person, state, groups: toIDs(names) })
    }
    for (const account of serviceAccounts) {
      seed.serviceAccount(id, toIDs(account.groups), account.id, account.name)
    }
  }
  await seed.save(database)
  return true
}

/** Such as `lumen-on-call` and `lumen-ada`. */
const toID = (organizationID: string, name: string) =>
  `${organizationID}-${name.toLowerCase().replace(' ', '-')}`
const firstName = (subject: string) => String(subject.split('.')[0])
const rowOf = (subject: string) => ({ id: `person-${firstName(subject)}`, subject })
