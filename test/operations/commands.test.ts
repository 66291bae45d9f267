/**
 * The commands of README.md and docs/operations.md that need no account, run in the order of the pages in one copy of the
 * checkout.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import getPort from 'get-port'
import { afterAll, expect, test, vi } from 'vitest'
import { createKey } from '../../dev/test-keys.ts'
import { withBody } from '../support/jwks-responders'
import { copyCheckout } from '../support/node/checkout'
import { serveIssuer } from '../support/node/jwks-server'
import { readDocument, type CodeBlock, type Section } from './document'

const NEEDS_ACCOUNT = '# needs a Cloudflare account'
const STAYS_RUNNING = '# stays running: go on in another terminal'
/** Each command starts a program, which takes long on a busy machine. */
const TIMEOUT_MS = 180_000
const SUBJECT = 'auth0|ada'

vi.setConfig({ testTimeout: TIMEOUT_MS })

const readme = await readDocument('README.md')
const operations = await readDocument('docs/operations.md')
const [request = '', firstResponse = '', secondResponse = ''] = readme.code.map(({ text }) => text)
const [values = '', prepare = '', start = ''] = readme
  .section('With your own issuer')
  .code.map(({ text }) => text)
const issuer = await serveIssuer()
const settings = { ...issuer.vars, TOKEN: await issuer.token(SUBJECT) }
const port = await getPort()
const API = `http://127.0.0.1:${port}`
const checkout = await copyCheckout({ ...settings, API, SUBJECT })

afterAll(async () => {
  await issuer.stop()
  await checkout.remove()
})

/** Returns the shell commands that need no account. */
function listCommands(code: readonly CodeBlock[]): string[] {
  return code
    .filter(({ language, text }) => language === 'sh' && !text.startsWith(NEEDS_ACCOUNT))
    .map(({ text }) => text)
}

const runSection = (heading: string) =>
  checkout.run(listCommands(operations.section(heading).code).join('\n'))

/** Returns the SQL commands of a block that needs an account, for the local database. */
function readLocally({ code }: Section, block: number): string {
  const commands = code[block]!.text.replaceAll('\\\n', '').split('\n')
  const statements = commands.filter((command) => command.includes(' d1 execute '))
  return statements.join('\n').replaceAll('--remote', '--local')
}

/** Runs lines while the Worker runs as README.md starts it, and returns what they print. */
async function runWithWorker(...lines: readonly string[]): Promise<string[]> {
  const worker = checkout.start(start.replace('--port 8787', `--port ${port}`))
  try {
    await vi.waitFor(() => fetch(API), TIMEOUT_MS / 2)
    const printed: string[] = []
    for (const line of lines) printed.push(await checkout.run(line))
    return printed
  } finally {
    await worker.stop()
  }
}

/** Returns a response as `curl -i` prints it, without the request ID and what the transport adds. */
function normalize(text = ''): string[] {
  const lines = text.replaceAll('\r', '').trim().split('\n')
  return lines
    .map((line) => line.replace(/^(X-Request-Id): [\w-]{36}$/i, '$1: …'))
    .filter(
      (line) => !/^(content-length|transfer-encoding|date|connection|keep-alive):/i.test(line),
    )
    .map((line) => (/^[\w-]+: /.test(line) ? line.toLowerCase() : line))
    .toSorted()
}

/** Runs SQL on the file of the local database, while no other program has it open. */
async function query(sql: string): Promise<object[]> {
  const folder = join(checkout.folder, '.wrangler/state/v3/d1/miniflare-D1DatabaseObject')
  const file = (await readdir(folder)).find((name) => /^[0-9a-f]{64}\.sqlite$/.test(name))
  using db = new DatabaseSync(join(folder, file!))
  const last = sql.split(/;\s*$/m).findLast((statement) => statement.trim() !== '')!
  db.exec(sql.slice(0, sql.indexOf(last)))
  return structuredClone(db.prepare(last).all()) as object[] // which have no prototype
}

test('README.md leads to the request and the responses of its first screen', async () => {
  const names = Array.from(values.matchAll(/^export (\w+)=/gm), ([, name]) => name)
  expect(names).toEqual(Object.keys(settings))
  expect(start.startsWith(STAYS_RUNNING)).toBe(true)
  const printed = await checkout.run(`${prepare}\necho "SUBJECT=$SUBJECT"`)
  expect(printed).toContain(`SUBJECT=${SUBJECT}\n`)
  const [first, second] = await runWithWorker(request, request)
  expect(normalize(first)).toEqual(normalize(firstResponse))
  expect(normalize(second)).toEqual(normalize(secondResponse))
})

test('a restart keeps the cached keys of an issuer that uses a key ID again', async () => {
  const key = await createKey('ES256', issuer.keys[0].kid)
  issuer.endpoint.respond = withBody(issuer.jwks([key.publicJWK]))
  checkout.env['TOKEN'] = await issuer.token(SUBJECT, { key })
  expect(await runWithWorker(request)).toEqual([expect.stringContaining('401 Unauthorized')])
})

test('after the command that clears them, docs/operations.md leads to the first deletion', async () => {
  await runSection('Keys of the issuer')
  await runSection('1. Rehearse')
  const section = operations.section('6. The first deletion')
  await checkout.run(readLocally(section, 0))
  expect(await query('SELECT id, subject FROM users')).toMatchObject([
    { id: 'person-ada', subject: SUBJECT },
    { id: 'person-bob' },
  ])
  const calls = section.code[1]!.text.split('\n')
  const responses = await runWithWorker(...calls)
  const statuses = ['401', '404', '200']
  expect(calls.map((line) => line.split('# ')[1])).toEqual(statuses)
  expect(responses.map((text) => text.split(' ')[1])).toEqual(statuses)
  expect(await checkout.run(readLocally(section, 2))).toContain('acme-bob')
  expect(await query('SELECT id FROM organizations UNION SELECT id FROM users')).toEqual([])
})

test('after a restore, users that were deleted since are deleted again, and the records are back', async () => {
  const [save = '', change = '', apply = ''] = operations
    .section('Restore the database')
    .code.map(({ text }) => text.replaceAll('--remote', '--local'))
  await checkout.run(save.split('\n').find((line) => line.includes(' d1 export '))!)
  await checkout.run(change)
  // What Time Travel leaves: the user is back, and its record is gone.
  const first = await readFile('examples/first-data.sql', 'utf8')
  await query(`${first};\nDELETE FROM user_deletions`)
  await checkout.run(apply)
  expect(await query('SELECT id FROM organization_users')).toEqual([{ id: 'acme-ada' }])
  expect(await query('SELECT organization_user_id AS id FROM user_deletions')).toEqual([
    { id: 'acme-bob' },
    { id: 'acme-bob' },
  ])
})

test('the bundle of staging has its own database', async () => {
  expect(await runSection('Staging')).toContain('env.DB (identity-staging)')
})

test('every command of docs/operations.md is run by a test or says that it needs an account', () => {
  const headings = [
    '1. Rehearse',
    '6. The first deletion',
    'Staging',
    'Probe', // operations.test.ts
    'Keys of the issuer',
    'Restore the database',
  ]
  const run = headings.flatMap((heading) => listCommands(operations.section(heading).code))
  expect(listCommands(operations.code)).toEqual(run)
  const needsAccount = /--remote|wrangler (login|rollback|versions|tail|d1 create)|npm run deploy/
  expect(run.filter((text) => needsAccount.test(text))).toEqual([])
  expect(operations.code.some(({ text }) => text.startsWith(NEEDS_ACCOUNT))).toBe(true)
})
