/**
 * The people, organizations and groups of the local stack. Names and e-mail addresses live with the OpenID provider; the
 * database holds IDs, states, memberships and roles alone (seed.ts writes them).
 */

/** The state of a person, or of its membership in one organization. */
export type State = 'active' | 'pending' | 'suspended'

/** A person who can sign in at the provider. */
export interface Person {
  /** The token's `sub`. */
  readonly subject: string
  readonly name: string
  readonly email: string
  /** The row of the person in `users`; a stranger has none. */
  readonly user?: { readonly id: string; readonly state: State }
  /** Bound to the role of a platform administrator. */
  readonly platformAdministrator?: true
}

/** A group with its roles and members, by the IDs of organization users and service accounts. */
export interface Group {
  readonly id: string
  readonly name: string
  readonly roles: readonly string[]
  readonly members: readonly string[]
  readonly serviceAccounts?: readonly string[]
}

/** One tenant. The keys of `users` are the IDs that the API calls `userID`, the values say whose they are. */
export interface Organization {
  readonly id: string
  readonly name: string
  readonly users: Readonly<Record<string, { readonly subject: string; readonly state: State }>>
  readonly groups: readonly Group[]
  readonly serviceAccounts: readonly { readonly id: string; readonly name: string }[]
}

const person = (subject: string, name: string, state: State = 'active'): Person => ({
  subject,
  name,
  email: `${subject}@people.example`,
  user: { id: `person-${subject.split('.')[0]}`, state },
})

const active = (subject: string) => ({ subject, state: 'active' as const })

export const people: readonly Person[] = [
  person('ada.berg', 'Ada Berg'),
  person('bruno.costa', 'Bruno Costa'),
  { ...person('chioma.eze', 'Chioma Eze'), platformAdministrator: true },
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
  { subject: 'zoe.visitor', name: 'Zoë Visitor', email: 'zoe.visitor@people.example' },
]

export const organizations: readonly Organization[] = [
  {
    id: 'lumen',
    name: 'Lumen Robotics',
    users: {
      'lumen-ada': active('ada.berg'),
      'lumen-bruno': active('bruno.costa'),
      'lumen-dara': active('dara.flynn'),
      'lumen-emil': active('emil.novak'),
      'lumen-fatima': active('fatima.haddad'),
      'lumen-goran': { subject: 'goran.ilic', state: 'suspended' },
      'lumen-noor': active('noor.saleh'),
      'lumen-otto': active('otto.weiss'),
    },
    groups: [
      {
        id: 'lumen-administrators',
        name: 'Administrators',
        roles: ['administrator'],
        members: ['lumen-ada', 'lumen-goran'],
      },
      { id: 'lumen-audit', name: 'Audit', roles: ['auditor'], members: ['lumen-bruno'] },
      {
        id: 'lumen-engineers',
        name: 'Engineers',
        roles: ['user'],
        members: ['lumen-ada', 'lumen-dara', 'lumen-emil', 'lumen-noor', 'lumen-otto'],
      },
      {
        id: 'lumen-on-call',
        name: 'On call',
        roles: ['user', 'reader'],
        members: ['lumen-dara', 'lumen-noor', 'lumen-otto'],
      },
      {
        id: 'lumen-everyone',
        name: 'Everyone',
        roles: ['reader'],
        members: ['lumen-ada', 'lumen-bruno', 'lumen-dara', 'lumen-fatima', 'lumen-otto'],
      },
      {
        id: 'lumen-automation',
        name: 'Automation',
        roles: ['administrator'],
        members: [],
        serviceAccounts: ['lumen-hr-sync'],
      },
    ],
    serviceAccounts: [{ id: 'lumen-hr-sync', name: 'HR sync' }],
  },
  {
    id: 'harbour',
    name: 'Harbour Logistics',
    users: {
      'harbour-fatima': active('fatima.haddad'),
      'harbour-hana': { subject: 'hana.kimura', state: 'pending' },
      'harbour-ines': active('ines.lopez'),
      'harbour-jonas': active('jonas.meyer'),
      'harbour-kemi': active('kemi.okafor'),
    },
    groups: [
      {
        id: 'harbour-administrators',
        name: 'Administrators',
        roles: ['administrator'],
        members: ['harbour-fatima', 'harbour-jonas'],
      },
      {
        id: 'harbour-dispatch',
        name: 'Dispatch',
        roles: ['user'],
        members: ['harbour-fatima', 'harbour-kemi', 'harbour-hana'],
      },
      { id: 'harbour-audit', name: 'Audit', roles: ['auditor'], members: ['harbour-ines'] },
    ],
    serviceAccounts: [],
  },
  {
    id: 'meadow',
    name: 'Meadow Clinic',
    users: { 'meadow-liam': active('liam.park'), 'meadow-mina': active('mina.rossi') },
    groups: [
      {
        id: 'meadow-administrators',
        name: 'Administrators',
        roles: ['administrator'],
        members: ['meadow-liam'],
      },
      { id: 'meadow-ward', name: 'Ward', roles: ['reader'], members: ['meadow-mina'] },
    ],
    serviceAccounts: [{ id: 'meadow-reports', name: 'Reports (in no group)' }],
  },
]

/** The people and the machine of the printed examples and of the demonstration. */
export const callers = {
  administrator: 'ada.berg',
  auditor: 'bruno.costa',
  platformAdministrator: 'chioma.eze',
  serviceAccount: 'lumen-hr-sync',
} as const
