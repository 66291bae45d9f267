/**
 * What the example does, step by step: who calls the console's backend for whom, and how it should go for each person.
 */
import { callers } from '../../../dev/seed-data.ts'
import type { Stack } from '../../../dev/stack.ts'

/** One call of the console's backend. */
export interface Step {
  readonly title: string
  /** Gets the access token of whoever is at the console; without it, nobody is. */
  readonly signIn?: (stack: Stack) => Promise<string>
  readonly organizationID: string
  /** The people to remove, and the right result for each. */
  readonly people: Readonly<Record<string, string>>
  readonly absentIsDone?: true
  readonly idempotencyKey: string
  /** The right status of the backend's answer. */
  readonly status: 200 | 401
}

const ada = (stack: Stack) => stack.signIn(callers.administrator)
const lumen = { organizationID: 'lumen', status: 200 } as const
const leavers = ['lumen-dara', 'lumen-emil', 'lumen-noor', 'lumen-nobody']
const [dara, emil, noor, nobody] = leavers as [string, string, string, string]
const threeAndNobody = {
  [dara]: 'removed',
  [emil]: 'removed',
  [noor]: 'removed',
  [nobody]: 'not_found',
}

export const steps: readonly Step[] = [
  {
    title: 'Ada Berg, administrator, removes the leavers',
    signIn: ada,
    ...lumen,
    people: threeAndNobody,
    idempotencyKey: 'leavers-of-friday',
  },
  {
    title: 'The page lost that answer: the same again, with the same key',
    signIn: ada,
    ...lumen,
    people: threeAndNobody,
    idempotencyKey: 'leavers-of-friday',
  },
  {
    title: 'A new call for the same people, where absent counts as done',
    signIn: ada,
    ...lumen,
    people: Object.fromEntries(leavers.map((id) => [id, 'already_gone'])),
    absentIsDone: true,
    idempotencyKey: 'leavers-of-monday',
  },
  {
    title: 'Bruno Costa, auditor, may look and not remove',
    signIn: (stack) => stack.signIn(callers.auditor),
    ...lumen,
    people: { 'lumen-otto': 'refused' },
    idempotencyKey: 'by-bruno',
  },
  {
    title: 'Ada Berg, with a token that expired an hour ago',
    signIn: (stack) => stack.signInTwoHoursAgo(callers.administrator),
    ...lumen,
    people: { 'lumen-otto': 'refused' },
    idempotencyKey: 'by-ada-too-late',
  },
  {
    title: 'Nobody: the backend calls no one without a token',
    ...lumen,
    people: { 'lumen-otto': '' },
    idempotencyKey: 'by-nobody',
    status: 401,
  },
  {
    title: 'HR sync, a service account, removes two more',
    signIn: (stack) => stack.signInServiceAccount(callers.serviceAccount),
    ...lumen,
    people: { 'lumen-otto': 'removed', 'lumen-fatima': 'removed' },
    idempotencyKey: 'hr-sync-42',
  },
  {
    title: 'Chioma Eze, platform administrator, cleans up elsewhere',
    signIn: (stack) => stack.signIn(callers.platformAdministrator),
    organizationID: 'harbour',
    status: 200,
    people: { 'harbour-kemi': 'removed', 'harbour-ines': 'removed' },
    idempotencyKey: 'by-chioma',
  },
]
