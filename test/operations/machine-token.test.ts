/**
 * The commands of docs/issuers.md that get a token for a machine, run against a token endpoint of the test, which sees the
 * request of each; and the command that makes the owner of a token a service account that may delete.
 */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { parse as parseTOML } from 'smol-toml'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { call } from '../support/node/client'
import { serveIssuer } from '../support/node/jwks-server'
import { startWorkers } from '../support/node/local-workers'
import { createSeed } from '../../dev/seeder.ts'
import { readDocument } from './document'

interface TokenRequest {
  readonly host: string
  readonly form: Readonly<Record<string, string>>
}

const page = await readDocument('docs/issuers.md')
const machines = page.headings.filter((heading) => findBlock(heading, 'machine') !== undefined)
let server: Server
let seen: TokenRequest | undefined

beforeAll(async () => {
  server = createServer((incoming, outgoing) => {
    const [, basic = ''] = incoming.headers.authorization?.split(' ') ?? []
    const [client_id = '', client_secret] = Buffer.from(basic, 'base64').toString().split(':')
    const credentials = client_secret === undefined ? {} : { client_id, client_secret }
    let body = ''
    incoming.on('data', (chunk) => (body += String(chunk)))
    incoming.on('end', () => {
      const form = Object.fromEntries(new URLSearchParams(body))
      seen = { host: new URL(`https:/${incoming.url}`).host, form: { ...form, ...credentials } }
      outgoing.end('{"access_token":"a.b.c"}')
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
})

afterAll(() => void server.close())

/** The first code block of a section with these words behind its fence. */
function findBlock(heading: string, words: string): string | undefined {
  const { code } = page.section(heading)
  return code.find(({ language, notes }) => notes === words || language === words)?.text
}

async function run(command: string, env: Readonly<Record<string, string>>): Promise<string> {
  const { stdout } = await promisify(execFile)('sh', ['-ec', command], {
    env: { ...process.env, ...env },
  })
  return stdout
}

test('all products but Cloudflare Access have tokens for machines', () => {
  const others = [
    'A token on the command line',
    'Cloudflare Access',
    'Tokens bound to a key',
    'What cannot work',
  ]
  expect(page.headings.filter((heading) => !machines.includes(heading))).toEqual(others)
})

test.each(machines)('the command for %s asks for the token of the page', async (product) => {
  const { port } = server.address() as AddressInfo
  const vars = parseTOML(findBlock(product, 'toml')!) as Readonly<Record<string, string>>
  const { payload } = JSON.parse(findBlock(product, 'machine')!) as {
    payload: Readonly<Record<string, string>>
  }
  const command = findBlock(product, 'sh')!.replace('https://', `http://127.0.0.1:${port}/`)
  const printed = await run(command, { CLIENT_SECRET: 's3cret', UNIKORN_TOKEN: 'opaque' })
  expect(JSON.parse(printed)).toHaveProperty('access_token')
  const { host, form } = seen!
  expect(host).toBe(new URL(vars['JWKS_URL']!).host)
  const client = payload['client_id'] ?? payload['azp'] ?? payload['cid']
  expect(form).toMatchObject(
    client === undefined
      ? { subject_token: 'opaque' }
      : { client_id: client, client_secret: 's3cret', grant_type: 'client_credentials' },
  )
  // The request names what the Worker looks for in the token: the audience, or the scope.
  const asked = `${form['audience'] ?? ''} ${form['scope'] ?? ''}`
  const wanted = [vars['TOKEN_AUDIENCE'], vars['REQUIRED_SCOPE']]
  expect(wanted.filter((value) => value !== undefined && asked.includes(value))).not.toEqual([])
})

test('the command below makes the owner of a token a service account that may delete', async () => {
  const issuer = await serveIssuer()
  const workers = await startWorkers({ identity: [{ vars: { ...issuer.vars } }] })
  try {
    const first = await readFile('examples/first-data.sql', 'utf8')
    await workers.db.exec(first.replaceAll(/--.*\n/g, '').replaceAll('\n', ' '))
    const TOKEN = await issuer.token('auth0|hr-sync@clients')
    const [block] = page.section('A token on the command line').code
    // Prints the statements instead of giving them to wrangler.
    const sql = await run(`npx() { shift 6; echo "$@"; }\n${block!.text}`, { TOKEN })
    await workers.db.exec(sql.replace('--command', '').replaceAll('\n', ' '))
    const seed = createSeed()
    const target = seed.member('acme')
    await seed.save(workers.db)
    expect((await call(workers.url, { ...target, token: TOKEN })).status).toBe(200)
  } finally {
    await workers.stop()
    await issuer.stop()
  }
})
