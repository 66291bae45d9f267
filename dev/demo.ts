/**
 * `npm run demo`: does the main job once without a person, on a fresh stack with free ports, and prints each request, its
 * response and what the database held before and after. Ends with 0 only if everything was as expected.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Table from 'cli-table3'
import { calls, type Call } from './demo-calls.ts'
import { takeSnapshot, type Snapshot } from './demo-database.ts'
import { startStack, type Stack } from './stack.ts'

interface Outcome {
  readonly call: Call
  readonly status: number
  readonly error: string
  readonly before: Snapshot
  readonly after: Snapshot
  /** What was not as expected. */
  readonly problems: readonly string[]
}

const folder = mkdtempSync(join(tmpdir(), 'identity-demo-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

console.log('A fresh stack on free ports …')
const stack = await startStack({
  ports: { worker: 0, issuer: 0 },
  state: folder,
  onProgress: (line) => console.log(`  ${line}`),
})
console.log('People sign in at the provider (authorization code with PKCE) and call …')
const outcomes: Outcome[] = []
for (const call of calls) {
  const outcome = await make(call, stack)
  outcomes.push(outcome)
  console.log(
    `  ${outcome.problems.length === 0 ? '✓' : '✗'} ${call.who}: ${outcome.status} ${outcome.error}`.trimEnd(),
  )
}
await stack.stop()

console.log(`\n${describe(outcomes)}\n`)
const problems = outcomes.flatMap((outcome) => outcome.problems)
for (const line of problems) console.error(line)
const passed = outcomes.filter(({ problems }) => problems.length === 0).length
console.log(`${passed} of ${outcomes.length} calls got the expected response.`)
process.exitCode = problems.length === 0 ? 0 : 1

async function make(call: Call, stack: Stack): Promise<Outcome> {
  const token = await call.authenticate?.(stack)
  const { database, workerURL } = stack
  const before = await takeSnapshot(database, call.userID)
  const response = await fetch(new URL(pathOf(call), workerURL), {
    method: 'DELETE',
    ...(token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } }),
  })
  const body = await response.text()
  const after = await takeSnapshot(database, call.userID)
  const error = errorOf(body)
  const removed = call.status === 200 ? 1 : 0
  const existed = call.status === 404 ? 0 : 1
  const challenge = response.headers.get('WWW-Authenticate') ?? ''

  const problems: string[] = []
  const expect = (what: string, found: unknown, expected: unknown) => {
    if (found !== expected)
      problems.push(`${call.who}: ${what} was ${String(found)}, not ${String(expected)}`)
  }
  expect('the status', response.status, call.status)
  expect('the error', error, call.error)
  expect('the challenge', challenge.includes(call.challenge ?? ''), true)
  expect('the user before', before.users, existed)
  expect('the number of groups before', before.groups, call.groups)
  expect('the user after', after.users, existed - removed)
  expect('the number of groups after', after.groups, removed === 1 ? 0 : call.groups)
  expect('the number of new records', after.records - before.records, removed)
  expect('all the rest of the database the same as before', after.rest === before.rest, true)
  return { call, status: response.status, error, before, after, problems }
}

function pathOf({ organizationID, userID }: Call): string {
  return `/api/v1/organizations/${organizationID}/users/${userID}`
}

function errorOf(body: string): string {
  return body === '' ? '' : String((JSON.parse(body) as { error?: unknown }).error)
}

function describe(outcomes: readonly Outcome[]): string {
  const table = new Table({
    head: ['Who', 'DELETE …/organizations/', 'Status', 'User', 'Groups', 'Records'],
    style: { head: [], border: [], compact: true },
  })
  for (const { call, status, before, after } of outcomes) {
    const change = (key: 'users' | 'groups' | 'records') => `${before[key]} → ${after[key]}`
    const path = `${call.organizationID}/users/${call.userID}`
    table.push([call.who, path, status, change('users'), change('groups'), change('records')])
  }
  return table.toString()
}
