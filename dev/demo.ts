/**
 * `npm run demo`: makes calls to a fresh stack on free ports, and prints each response and what it changed in the
 * database. Ends with 0 only if every call had the expected response and effect.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Table from 'cli-table3'
import { compareTables, readTables, type Tables } from './database.ts'
import { callers } from './seed-data.ts'
import { startStack, type Stack } from './stack.ts'

interface Call {
  readonly caller: string
  /** Gets the caller's token; undefined if it has none. */
  readonly signIn?: (stack: Stack) => Promise<string>
  readonly organizationID: string
  readonly userID: string
  readonly status: keyof typeof ERRORS
  /** A part of the challenge of a 401. */
  readonly challenge?: string
  /** The number of the user's groups before the call. */
  readonly groups: number
}

/** The `error` of each status; an empty one stands for an empty body. */
const ERRORS = { 200: '', 401: 'access_denied', 403: 'forbidden', 404: 'not_found' } as const

const ada = (stack: Stack) => stack.signIn(callers.administrator)
const adaTooLate = (stack: Stack) => stack.signInTwoHoursAgo(callers.administrator)
const bruno = (stack: Stack) => stack.signIn(callers.auditor)
const chioma = (stack: Stack) => stack.signIn(callers.platformAdministrator)
const hrSync = (stack: Stack) => stack.signInServiceAccount(callers.serviceAccount)
const goran = (stack: Stack) => stack.signIn('goran.ilic')
const zoe = (stack: Stack) => stack.signIn('zoe.visitor')
const invalid = { status: 401, challenge: 'the access token is invalid' } as const
const expired = { status: 401, challenge: 'the access token expired' } as const
const dara = { organizationID: 'lumen', userID: 'lumen-dara' }
const otto = { organizationID: 'lumen', userID: 'lumen-otto', groups: 3 }
const noor = { organizationID: 'lumen', userID: 'lumen-noor', groups: 2 }
const kemi = { organizationID: 'harbour', userID: 'harbour-kemi', groups: 1 }
const fatima = { organizationID: 'harbour', userID: 'harbour-fatima', groups: 2 }

const calls: readonly Call[] = [
  { caller: 'Ada Berg, administrator', signIn: ada, ...dara, groups: 3, status: 200 },
  { caller: 'Ada Berg, once more', signIn: ada, ...dara, groups: 0, status: 404 },
  { caller: 'Bruno Costa, auditor', signIn: bruno, ...noor, status: 403 },
  { caller: 'Ada Berg, an expired token', signIn: adaTooLate, ...noor, ...expired },
  { caller: 'A caller without a token', ...noor, status: 401 },
  { caller: 'Zoë Visitor, unknown here', signIn: zoe, ...noor, ...invalid },
  { caller: 'Goran Ilić, suspended', signIn: goran, ...noor, status: 403 },
  { caller: 'Ada Berg, elsewhere', signIn: ada, ...kemi, status: 403 },
  { caller: 'Chioma Eze, platform admin.', signIn: chioma, ...fatima, status: 200 },
  { caller: 'HR sync, service account', signIn: hrSync, ...otto, status: 200 },
]

const folder = mkdtempSync(join(tmpdir(), 'identity-demo-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

console.log('Starting a fresh stack on free ports …')
const stack = await startStack({
  ports: { worker: 0, issuer: 0 },
  state: folder,
  onProgress: (line) => console.log(`  ${line}`),
})
const table = new Table({
  head: ['Caller', 'DELETE …/organizations/', 'Status', 'User', 'Groups', 'Records'],
  style: { head: [], border: [], compact: true },
})
console.log('Callers sign in at the provider (authorization code with PKCE) and call …')
const problems: string[] = []
let passed = 0
for (const call of calls) {
  const found = await make(call)
  problems.push(...found)
  if (found.length === 0) passed += 1
}
await stack.stop()

console.log(`\n${table.toString()}\n`)
for (const line of problems) console.error(line)
console.log(`${passed} of ${calls.length} calls had the expected response and effect.`)
process.exitCode = problems.length === 0 ? 0 : 1

/**
 * Makes a call and adds its line to the table.
 * @returns what was not as expected
 */
async function make({ caller, signIn, organizationID, userID, ...expected }: Call) {
  const token = await signIn?.(stack)
  const before = await readTables(stack.database)
  const url = `/api/v1/organizations/${organizationID}/users/${userID}`
  const response = await fetch(new URL(url, stack.workerURL), {
    method: 'DELETE',
    ...(token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } }),
  })
  const body = await response.text()
  const after = await readTables(stack.database)

  const { error } = JSON.parse(body || '{"error":""}') as { error: string }
  const { status } = response
  const challenge = response.headers.get('WWW-Authenticate') ?? ''
  const [users, groups, records] = count(before, userID)
  const changes = compareTables(before, after).flatMap(({ added, removed }) => [added, removed])
  const isRemoval = expected.status === 200
  const effect = isRemoval ? [0, 0, records + 1] : [users, groups, records]
  const checks: (readonly [what: string, found: unknown, expected: unknown])[] = [
    ['status', status, expected.status],
    ['error', error, ERRORS[expected.status]],
    ['challenge with the expected text', challenge.includes(expected.challenge ?? ''), true],
    ['users before', users, expected.status === 404 ? 0 : 1],
    ['groups before', groups, expected.groups],
    ['users, groups and records after', count(after, userID).join(), effect.join()],
    ['changed rows', changes.flat().length, isRemoval ? expected.groups + 2 : 0],
  ]
  const problems = checks
    .filter(([, found, wanted]) => found !== wanted)
    .map(([what, found, wanted]) => `${caller}: ${what}: ${String(found)}, not ${String(wanted)}`)
  console.log(`  ${problems.length === 0 ? '✓' : '✗'} ${caller}: ${status} ${error}`.trimEnd())
  const cells = count(after, userID).map((now, i) => `${[users, groups, records][i]} → ${now}`)
  table.push([caller, `${organizationID}/users/${userID}`, status, ...cells])
  return problems
}

/** The rows of a user, its group memberships, and all deletion records. */
function count({ organization_users, group_members, user_deletions }: Tables, userID: string) {
  return [
    organization_users.filter(({ id }) => id === userID).length,
    group_members.filter(({ organization_user_id: id }) => id === userID).length,
    user_deletions.length,
  ] as const
}
