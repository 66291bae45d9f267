/**
 * The commands of docs/issuers.md that get a token for a machine, against a token endpoint that keeps the request; and the
 * command that turns the owner of a token into a service account.
 */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { parse as parseTOML } from 'smol-toml'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readDocument } from './document'
import { createHarness } from './harness'

type Texts = Readonly<Record<string, string>>

const page = await readDocument('docs/issuers.md')
const machines = page.headings.filter((heading) => findBlock(heading, 'machine') !== undefined)
const harness = await createHarness()
let seen: { readonly host: string; readonly form: Texts } | undefined

const server = createServer((incoming, outgoing) => {
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

beforeAll(() => new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve)))
afterAll(() => void server.close())

/** Returns the first code block of a section in this language or with this note. */
function findBlock(heading: string, words: string): string | undefined {
  const { code } = page.section(heading)
  return code.find(({ language, notes }) => notes === words || language === words)?.text
}

async function run(command: string, env: Texts): Promise<string> {
  const options = { env: { ...process.env, ...env } }
  return (await promisify(execFile)('sh', ['-ec', command], options)).stdout
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

test.each(machines)(
  'the command for %s requests the token that the page shows',
  async (product) => {
    const { port } = server.address() as AddressInfo
    const vars = parseTOML(findBlock(product, 'toml')!) as Texts
    const claims = JSON.parse(findBlock(product, 'machine')!) as Texts
    const command = findBlock(product, 'sh')!.replace('https://', `http://127.0.0.1:${port}/`)
    const printed = await run(command, { CLIENT_SECRET: 's3cret', UNIKORN_TOKEN: 'opaque' })
    expect(JSON.parse(printed)).toHaveProperty('access_token')
    const { host, form } = seen!
    expect(host).toBe(new URL(vars['JWKS_URL']!).host)
    const client = claims['client_id'] ?? claims['azp'] ?? claims['cid']
    expect(form).toMatchObject(
      client === undefined
        ? { subject_token: 'opaque' }
        : { client_id: client, client_secret: 's3cret', grant_type: 'client_credentials' },
    )
    // The request names what the Worker checks in the token: the audience, or the scope.
    const requested = `${form['audience'] ?? ''} ${form['scope'] ?? ''}`
    const required = [vars['TOKEN_AUDIENCE'], vars['REQUIRED_SCOPE']]
    expect(required.some((value) => value !== undefined && requested.includes(value))).toBe(true)
  },
)

test('the command below lets the owner of a token delete as a service account', async () => {
  await harness.run((await readFile('examples/first-data.sql', 'utf8')).replaceAll(/^--.*\n/gm, ''))
  const subject = 'auth0|hr-sync@clients'
  const TOKEN = await harness.issuer.token(subject)
  const [block] = page.section('A token on the command line').code
  // Prints the statements in place of wrangler.
  const sql = await run(`npx() { shift 6; echo "$@"; }\n${block!.text}`, { TOKEN })
  await harness.run(sql.replace('--command', ''))
  expect(await harness.tryToDelete(subject, 'acme')).toBe(200)
})
