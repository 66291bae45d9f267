/**
 * The commands of README.md and docs/operations.md that need no account, run as they stand there, in the order in which a
 * reader meets them, in one copy of the checkout.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import getPort from 'get-port'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { withBody } from '../support/jwks-responders'
import { createKey } from '../../dev/test-keys.ts'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { copyCheckout, type Checkout } from '../support/node/checkout'
import { readDocument, type CodeBlock, type Section } from './document'

const NEEDS_ACCOUNT = '# needs a Cloudflare account'
const SETTINGS = '# your own values'
const STAYS_RUNNING = '# stays running: go on in another terminal'
/** Each command starts a program of its own, which takes long on a busy machine. */
const TIMEOUT_MS = 180_000
const SUBJECT = 'auth0|ada'

let readme: Section
let operations: Section
let issuer: ServedIssuer
let settings: Record<string, string>
let checkout: Checkout

beforeAll(async () => {
  readme = await readDocument('README.md')
  operations = await readDocument('docs/operations.md')
  issuer = await serveIssuer()
  settings = { ...issuer.vars, TOKEN: await issuer.token(SUBJECT) }
  const API = `http://127.0.0.1:${await getPort()}`
  checkout = await copyCheckout({ ...settings, API, SUBJECT })
})

afterAll(async () => {
  await issuer.stop()
  await checkout.remove()
})

const ownIssuer = () => readme.section('With your own issuer').code

/** The blocks of shell commands, without those that need an account or set values. */
function listCommands(code: readonly CodeBlock[]): string[] {
  return code
    .filter(({ language, text }) => language === 'sh' && !text.startsWith(NEEDS_ACCOUNT))
    .map(({ text }) => text)
    .filter((text) => !text.startsWith(SETTINGS))
}

/** The statements of a block that needs an account, for the local database. */
function readLocally({ code }: Section, block: number): string {
  const commands = code[block]!.text.replaceAll('\\\n', '').split('\n')
  const statements = commands.filter((command) => command.includes(' d1 execute '))
  return statements.join('\n').replaceAll('--remote', '--local')
}

/** Starts the Worker as README.md says, and gives what stops it. */
async function startWorker(): Promise<() => Promise<void>> {
  const start = listCommands(ownIssuer()).find((text) => text.startsWith(STAYS_RUNNING))
  const { API = '' } = checkout.env
  const worker = checkout.start(start!.replace('--port 8787', `--port ${new URL(API).port}`))
  const deadline = Date.now() + TIMEOUT_MS / 2
  for (;;) {
    try {
      await fetch(API)
      return () => worker.stop()
    } catch (error) {
      if (Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

/** Runs each `curl` of a block, and gives the status behind it in the document with the one that came. */
async function runCalls(text: string): Promise<{ said: string; came: string }[]> {
  const responses = []
  for (const line of text.split('\n')) {
    const said = /# (\d{3})$/.exec(line)?.[1] ?? `no status in: ${line}`
    const came = /^HTTP\/1\.1 (\d{3})/.exec(await checkout.run(line))?.[1] ?? 'no status line'
    responses.push({ said, came })
  }
  return responses
}

/** A response as `curl -i` prints it, without the request's ID and what the transport adds. */
function normalize(text: string): string[] {
  const lines = text.replaceAll('\r', '').trim().split('\n')
  return lines
    .map((line) => line.replace(/^(X-Request-Id): [\w-]{36}$/i, '$1: …'))
    .filter(
      (line) => !/^(content-length|transfer-encoding|date|connection|keep-alive):/i.test(line),
    )
    .map((line) => (/^[\w-]+: /.test(line) ? line.toLowerCase() : line))
    .toSorted()
}

/** The local database's file, opened beside wrangler, while no other program has it. */
async function openDatabase(): Promise<DatabaseSync> {
  const folder = join(checkout.folder, '.wrangler/state/v3/d1/miniflare-D1DatabaseObject')
  const files = await readdir(folder)
  const file = files.find((name) => /^[0-9a-f]{64}\.sqlite$/.test(name))
  return new DatabaseSync(join(folder, file!))
}

async function query(sql: string): Promise<object[]> {
  const db = await openDatabase()
  const rows = db.prepare(sql).all()
  db.close()
  return structuredClone(rows) as object[] // without a prototype before
}

test(
  'README.md leads to the request and the responses of its first screen',
  { timeout: TIMEOUT_MS },
  async () => {
    const [values, ...rest] = ownIssuer()
    const names = Array.from(values!.text.matchAll(/^export (\w+)=/gm), ([, name]) => name)
    expect(names).toEqual(Object.keys(settings))
    const [prepare = '', start = ''] = listCommands(rest)
    expect(start.startsWith(STAYS_RUNNING)).toBe(true)
    expect(await checkout.run(`${prepare}\necho "SUBJECT=$SUBJECT"`)).toContain(
      `SUBJECT=${SUBJECT}\n`,
    )
    const stop = await startWorker()
    try {
      const [call, first, second] = readme.code
      expect(normalize(await checkout.run(call!.text))).toEqual(normalize(first!.text))
      expect(normalize(await checkout.run(call!.text))).toEqual(normalize(second!.text))
    } finally {
      await stop()
    }
  },
)

test(
  'a restart keeps the cached keys of an issuer that uses a key ID again',
  { timeout: TIMEOUT_MS },
  async () => {
    const key = await createKey('ES256', issuer.keys[0].kid)
    issuer.endpoint.respond = withBody(issuer.jwks([key.publicJWK]))
    checkout.env['TOKEN'] = await issuer.token(SUBJECT, { key })
    const stop = await startWorker()
    const printed = await checkout.run(readme.code[0]!.text)
    await stop()
    expect(printed).toContain('HTTP/1.1 401 Unauthorized')
  },
)

test(
  'after the documented command, docs/operations.md leads to the first deletion on the same data',
  { timeout: TIMEOUT_MS },
  async () => {
    await checkout.run(listCommands(operations.section('Keys of the issuer').code).join('\n'))
    await checkout.run(listCommands(operations.section('1. Rehearse').code).join('\n'))
    const section = operations.section('6. The first deletion')
    await checkout.run(readLocally(section, 0))
    expect(await query('SELECT id, subject FROM users')).toMatchObject([
      { id: 'person-ada', subject: SUBJECT },
      { id: 'person-bob' },
    ])
    const stop = await startWorker()
    const responses = await runCalls(section.code[1]!.text)
    await stop()
    expect(responses.map(({ said }) => said)).toEqual(['401', '404', '200'])
    expect(responses.map(({ came }) => came)).toEqual(['401', '404', '200'])
    expect(await checkout.run(readLocally(section, 2))).toContain('acme-bob')
    expect(await query('SELECT id FROM organizations')).toEqual([])
    expect(await query('SELECT id FROM users')).toEqual([])
  },
)

test(
  'after a restore, the users that were deleted since are deleted again, and the records are back',
  { timeout: TIMEOUT_MS },
  async () => {
    const [save, again, apply] = operations
      .section('Restore the database')
      .code.map(({ text }) => text.replaceAll('--remote', '--local')) as [string, string, string]
    const exporting = save.split('\n').find((line) => line.includes(' d1 export '))!
    await checkout.run(exporting)
    await checkout.run(again)
    // What Time Travel leaves: the user is back, and its record is gone.
    const db = await openDatabase()
    db.exec(await readFile('examples/first-data.sql', 'utf8'))
    db.exec('DELETE FROM user_deletions')
    db.close()
    await checkout.run(apply)
    expect(await query('SELECT id FROM organization_users')).toEqual([{ id: 'acme-ada' }])
    expect(await query('SELECT organization_user_id AS id FROM user_deletions')).toEqual([
      { id: 'acme-bob' },
      { id: 'acme-bob' },
    ])
  },
)

test('staging can be bundled, with a database of its own', { timeout: TIMEOUT_MS }, async () => {
  const [command = ''] = listCommands(operations.section('Staging').code)
  expect(await checkout.run(command)).toContain('env.DB (identity-staging)')
})

test('every command of docs/operations.md is run by a test or says that it needs an account', () => {
  const headings = [
    '1. Rehearse',
    '6. The first deletion',
    'Staging',
    'Probe', // probe.test.ts
    'Keys of the issuer',
    'Restore the database',
  ]
  const run = headings.flatMap((heading) => listCommands(operations.section(heading).code))
  expect(listCommands(operations.code)).toEqual(run)
  const needsAccount = /--remote|wrangler (login|rollback|versions|tail|d1 create)|npm run deploy/
  expect(run.filter((text) => needsAccount.test(text))).toEqual([])
  const marked = operations.code.filter(({ text }) => text.startsWith(NEEDS_ACCOUNT))
  expect(marked.length).toBeGreaterThan(0)
})
