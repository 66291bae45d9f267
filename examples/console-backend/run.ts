/**
 * The console's backend beside a fresh local stack: people sign in at a real OpenID provider, and the backend removes
 * others through its service binding.
 */
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { callers } from '../../dev/seed-data.ts'
import { startStack, type Stack } from '../../dev/stack.ts'

/** One call of the backend. */
interface Step {
  readonly title: string
  /** Gets the access token of the person at the console. */
  readonly signIn: (stack: Stack) => Promise<string>
  readonly organizationID?: string
  /** The expected result for each person. */
  readonly people: Readonly<Record<string, string>>
  readonly absentIsDone?: true
  readonly idempotencyKey?: string
}

const leavers = {
  signIn: (stack: Stack) => stack.signIn(callers.administrator),
  people: { 'lumen-dara': 'removed', 'lumen-emil': 'removed', 'lumen-absent': 'not_found' },
  idempotencyKey: 'leavers-of-friday',
}

const steps: readonly Step[] = [
  { title: 'Ada Berg, an administrator, removes the leavers', ...leavers },
  { title: 'The page lost the response and repeats the call, with the same key', ...leavers },
  {
    title: 'A new call for the same people, with absentIsDone',
    signIn: leavers.signIn,
    people: { 'lumen-dara': 'already_gone', 'lumen-absent': 'already_gone' },
    absentIsDone: true,
  },
  {
    title: 'Bruno Costa, an auditor, may only read',
    signIn: (stack) => stack.signIn(callers.auditor),
    people: { 'lumen-otto': 'refused' },
  },
  {
    title: 'Ada Berg, with a token that expired an hour ago',
    signIn: (stack) => stack.signInTwoHoursAgo(callers.administrator),
    people: { 'lumen-otto': 'refused' },
  },
  {
    title: 'HR sync, a service account, removes one more',
    signIn: (stack) => stack.signInServiceAccount(callers.serviceAccount),
    people: { 'lumen-otto': 'removed' },
  },
  {
    title: 'Chioma Eze, a platform administrator, removes two in another organization',
    signIn: (stack) => stack.signIn(callers.platformAdministrator),
    organizationID: 'harbour',
    people: { 'harbour-ines': 'removed', 'harbour-kemi': 'removed' },
  },
]

/** The backend's report about one person. */
interface PersonReport {
  readonly userID: string
  readonly result: string
  readonly attempts: number
  readonly error_description?: string
}

/** Runs the example; `state` is the folder of its data. */
export async function run(state: string, check: (holds: boolean, what: string) => void) {
  console.log('A fresh stack on free ports, and the backend of a console beside it …')
  const stack = await startStack({
    ports: { worker: 0, issuer: 0 },
    state,
    companions: [{ configPath: join(import.meta.dirname, 'wrangler.toml') }],
    onProgress: (line) => console.log(`  ${line}`),
  })

  async function remove(step: Step): Promise<PersonReport[]> {
    const { organizationID = 'lumen', idempotencyKey = crypto.randomUUID(), absentIsDone } = step
    const url = new URL(`/organizations/${organizationID}/removals`, stack.companionURLs[0])
    const Authorization = `Bearer ${await step.signIn(stack)}`
    const headers = { Authorization, 'Idempotency-Key': idempotencyKey }
    const body = JSON.stringify({ userIDs: Object.keys(step.people), absentIsDone })
    const response = await fetch(url, { method: 'POST', headers, body })
    return ((await response.json()) as { people: PersonReport[] }).people
  }

  console.log('People sign in at the provider and remove others at the console …')
  const removed = new Set<string>()
  for (const step of steps) {
    const people = await remove(step)
    const results = Object.fromEntries(people.map(({ userID, result }) => [userID, result]))
    check(isDeepStrictEqual(results, step.people), step.title)
    for (const { userID, result, attempts, error_description = '' } of people) {
      console.log(`      ${userID}: ${result}, calls: ${attempts} ${error_description}`)
      if (result === 'removed') removed.add(userID)
    }
  }
  const { results: records } = await stack.database
    .prepare('SELECT organization_user_id AS id FROM user_deletions ORDER BY id')
    .all()
  const isEach = records.map(({ id }) => id).join() === [...removed].toSorted().join()
  check(isEach, 'each removed person has one record')
  await stack.stop()
}
