/**
 * Every command of docs/operations.md that needs no account, run as it stands there, in the order of the document.
 */
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import getPort from 'get-port'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { copyCheckout, type Checkout } from './checkout'
import { readDocument, type CodeBlock, type Section } from './document'

const NEEDS_ACCOUNT = '# needs a Cloudflare account'
const SETTINGS = '# your own values'
const STAYS_RUNNING = '# stays running: go on in another terminal'
/** Each command starts a program of its own, which takes long on a busy machine. */
const TIMEOUT_MS = 180_000

let document: Section
let issuer: ServedIssuer
let settings: Record<string, string>
let checkout: Checkout

beforeAll(async () => {
  document = await readDocument('docs/operations.md')
  issuer = await serveIssuer()
  const port = String(await getPort())
  settings = {
    ...issuer.vars,
    TOKEN: await issuer.token('THE SUB OF YOUR TOKEN'),
    PORT: port,
    API: `http://127.0.0.1:${port}`,
  }
  checkout = await copyCheckout(settings)
})

afterAll(async () => {
  await issuer.stop()
  await checkout.remove()
})

function isCommand({ language, text }: CodeBlock): boolean {
  return language === 'sh' && !text.startsWith(NEEDS_ACCOUNT)
}

/** Waits until the Worker answers at all. */
async function waitForWorker(url: string): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS / 2
  for (;;) {
    try {
      return void (await fetch(url))
    } catch (error) {
      if (Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

/** Runs each `curl` of a block, and gives the status that the document says with the one that came. */
async function runCalls(text: string): Promise<{ said: string; came: string }[]> {
  const answers = []
  for (const line of text.split('\n')) {
    const said = /# (\d{3})$/.exec(line)?.[1] ?? `no status in: ${line}`
    const came = /^HTTP\/1\.1 (\d{3})/.exec(await checkout.run(line))?.[1] ?? 'no status line'
    answers.push({ said, came })
  }
  return answers
}

/** The names that a block of settings exports. */
function readExports({ code }: Section): string[] {
  const { text } = code.find((block) => block.text.startsWith(SETTINGS))!
  return Array.from(text.matchAll(/^export (\w+)=/gm), ([, name = '']) => name)
}

/** The local database's file, opened beside wrangler, while nothing else has it. */
async function openDatabase(): Promise<DatabaseSync> {
  const folder = join(checkout.folder, '.wrangler/state/v3/d1/miniflare-D1DatabaseObject')
  const files = await readdir(folder)
  const file = files.find((name) => /^[0-9a-f]{64}\.sqlite$/.test(name))
  return new DatabaseSync(join(folder, file!))
}

test(
  'the rehearsal at home goes from nothing to a first deletion and its record',
  { timeout: TIMEOUT_MS },
  async () => {
    const section = document.section('1. Rehearse at home')
    expect(new Set(readExports(section))).toEqual(new Set(Object.keys(settings)))
    let stop: (() => Promise<void>) | undefined
    let printed = ''
    const answers: { said: string; came: string }[] = []
    try {
      for (const { language, text } of section.code) {
        if (language === 'sql') await writeFile(join(checkout.folder, 'first-data.sql'), text)
        else if (text.startsWith(STAYS_RUNNING)) {
          stop = checkout.start(text)
          await waitForWorker(settings['API']!)
        } else if (text.startsWith('curl ')) answers.push(...(await runCalls(text)))
        else if (!text.startsWith(SETTINGS)) printed = await checkout.run(text)
      }
    } finally {
      await stop?.()
    }
    expect(answers.map(({ said }) => said)).toEqual(['401', '404', '200'])
    expect(answers.map(({ came }) => came)).toEqual(['401', '404', '200'])
    expect(printed).toContain('acme-bob')
  },
)

test(
  'after a restore who was deleted since is deleted again, and the records are back',
  { timeout: TIMEOUT_MS },
  async () => {
    const [save, again, apply] = document
      .section('Restore the database')
      .code.map(({ text }) => text.replaceAll('--remote', '--local')) as [string, string, string]
    const exporting = save.split('\n').find((line) => line.includes(' d1 export '))!
    await checkout.run(exporting)
    await checkout.run(again)
    const db = await openDatabase()
    // What Time Travel would leave: the user is back, and its record is gone.
    db.exec(`DELETE FROM user_deletions;
      INSERT INTO organization_users (id, organization_id, user_id, state)
      VALUES ('acme-bob', 'acme', 'person-bob', 'active')`)
    await checkout.run(apply)
    const users = db.prepare('SELECT id FROM organization_users').all()
    const records = db.prepare('SELECT organization_user_id AS id FROM user_deletions').all()
    db.close()
    expect(users.map(({ id }) => id)).toEqual(['acme-ada'])
    expect(records.map(({ id }) => id)).toEqual(['acme-bob'])
  },
)

test('staging can be bundled, with a database of its own', { timeout: TIMEOUT_MS }, async () => {
  const block = document.section('Staging').code.find(isCommand)
  expect(await checkout.run(block!.text)).toContain('env.DB (identity-staging)')
})

test('every command of the document is run here or says that it needs an account', () => {
  const run = ['1. Rehearse at home', 'Staging', 'Restore the database'].flatMap((heading) =>
    document.section(heading).code.filter(isCommand),
  )
  expect(document.code.filter(isCommand)).toEqual(run)
  const needsAccount = /--remote|wrangler (login|rollback|versions|tail|d1 create)|npm run deploy/
  const unmarked = run.filter(({ text }) => needsAccount.test(text))
  expect(unmarked).toEqual([])
  const marked = document.code.filter(({ text }) => text.startsWith(NEEDS_ACCOUNT))
  expect(marked.length).toBeGreaterThan(0)
})
