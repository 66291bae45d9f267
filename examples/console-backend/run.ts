/**
 * `npm run example`: the console's backend beside a fresh local stack. Real people sign in at a real OpenID provider, the
 * backend removes others through its service binding, and what happened to each is printed. Ends with 0 only if all of it
 * was as it should be.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Table from 'cli-table3'
import { startStack, type Stack } from '../../dev/stack.ts'
import { steps, type Step } from './run/steps.ts'

/** What the backend says of one person. */
interface PersonReport {
  readonly userID: string
  readonly result: string
  readonly attempts: number
  readonly error_description?: string
}

interface Outcome {
  readonly step: Step
  readonly requestID: string
  readonly people: readonly PersonReport[]
  /** What was not as it should be; empty where all was. */
  readonly wrong: readonly string[]
}

interface LogLine {
  readonly message: string
  readonly requestID?: string
  readonly transport?: string
  readonly status?: number
  readonly scope?: { readonly userID: string }
}

const folder = mkdtempSync(join(tmpdir(), 'identity-example-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

console.log('A fresh stack on free ports, and the backend of a console beside it …')
const log: LogLine[] = []
const stack = await startStack({
  ports: { worker: 0, issuer: 0 },
  state: folder,
  companions: [{ configPath: join(import.meta.dirname, 'wrangler.toml') }],
  onProgress: (line) => console.log(`  ${line}`),
  onLog: (line) => log.push(parseLine(line)),
})
const [backend] = stack.companionURLs
if (backend === undefined) throw new Error('The backend does not run')
console.log(`  Backend listens on ${backend.origin}`)

console.log('People sign in at the provider and remove others at the console …')
const outcomes: Outcome[] = []
for (const step of steps) {
  const outcome = await make(step, stack, backend)
  outcomes.push(outcome)
  console.log(`  ${outcome.wrong.length === 0 ? '✓' : '✗'} ${step.title}`)
}
const wrong = [...outcomes.flatMap((outcome) => outcome.wrong), ...(await checkDatabase(stack))]
await stack.stop()

console.log(`\n${describe(outcomes)}\n`)
const [first] = outcomes
if (first !== undefined) wrong.push(...searchLog(first))
for (const line of wrong) console.error(line)
const right = outcomes.filter((outcome) => outcome.wrong.length === 0).length
console.log(`${right} of ${outcomes.length} calls went as they should for each person.`)
if (wrong.length > 0) process.exitCode = 1

async function make(step: Step, stack: Stack, backend: URL): Promise<Outcome> {
  const token = await step.signIn?.(stack)
  const userIDs = Object.keys(step.people)
  const response = await fetch(new URL(`/organizations/${step.organizationID}/removals`, backend), {
    method: 'POST',
    headers: {
      'Idempotency-Key': step.idempotencyKey,
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ userIDs, absentIsDone: step.absentIsDone ?? false }),
  })
  const requestID = response.headers.get('X-Request-Id') ?? ''
  const { people = [] } = (await response.json()) as { people?: PersonReport[] }
  const wrong: string[] = []
  const expect = (what: string, found: string | number, right: string | number) => {
    if (found !== right) wrong.push(`${step.title}: ${what} was ${found}, not ${right}`)
  }
  expect('the status', response.status, step.status)
  for (const userID of userIDs) {
    const result = people.find((person) => person.userID === userID)?.result
    expect(`the result for ${userID}`, result ?? '', step.people[userID] ?? '')
  }
  return { step, requestID, people, wrong }
}

/** Each person who was removed is gone, with one record, whatever was repeated. */
async function checkDatabase({ database }: Stack): Promise<string[]> {
  const removed = new Set(
    steps.flatMap(({ people }) => Object.keys(people).filter((id) => people[id] === 'removed')),
  )
  const { results: users } = await database.prepare('SELECT id FROM organization_users').all()
  const { results: records } = await database
    .prepare('SELECT organization_user_id AS id FROM user_deletions ORDER BY id')
    .all()
  const left = users.filter(({ id }) => removed.has(String(id)))
  const recorded = records.map(({ id }) => id).join()
  return [
    ...left.map(({ id }) => `${id} is still in the database`),
    ...(recorded === [...removed].toSorted().join() ? [] : [`The records are of ${recorded}`]),
  ]
}

function describe(outcomes: readonly Outcome[]): string {
  const table = new Table({
    head: ['Person', 'Result', 'Calls', 'What the Identity Worker said'],
    style: { head: [], border: [], compact: true },
  })
  for (const { step, people } of outcomes) {
    table.push([{ colSpan: 4, content: step.title }])
    for (const { userID, result, attempts, error_description = '' } of people) {
      table.push([`  ${userID}`, result, attempts, error_description])
    }
    if (people.length === 0) table.push(['  –', `${step.status}`, 0, ''])
  }
  return table.toString()
}

/** A line that a Worker has written; what the runtime adds is no JSON. */
function parseLine(line: string): LogLine {
  return line.startsWith('{') ? (JSON.parse(line) as LogLine) : { message: line }
}

/** Both Workers' lines of one call have the same request ID. */
function searchLog({ requestID, step }: Outcome): string[] {
  const lines = log.filter((line) => line.requestID === requestID)
  console.log(`A search of the log for ${requestID} finds both Workers:`)
  for (const { message, transport, status, scope } of lines) {
    const who =
      message === 'removal' ? 'console-backend' : `identity, ${transport} ${scope?.userID}`
    console.log(`  ${who}: ${status}`)
  }
  const expected = Object.keys(step.people).length + 1
  return lines.length === expected ? [] : [`The log has ${lines.length} lines, not ${expected}`]
}
