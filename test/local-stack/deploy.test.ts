/**
 * `npm run deploy` checks the values before anything is changed. Nothing here reaches the network: a check that fails ends
 * the command, and one that passes goes on with `--dry-run`.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, stringify } from 'smol-toml'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { VARIABLES } from '../../dev/identity-worker.ts'
import { copyCheckout, type Checkout } from '../support/node/checkout'

const VARS = {
  TOKEN_ISSUER: 'https://issuer.example',
  TOKEN_AUDIENCE: 'identity',
  JWKS_URL: 'https://issuer.example/jwks',
}
const bindDatabase = (id: string) => ({
  d1_databases: [{ binding: 'DB', database_name: 'people', database_id: id }],
})
const DATABASE = bindDatabase('6fa1d1c2-7d4b-4f3e-9a51-0c3e5b7d9f11')

let checkout: Checkout
let code: Readonly<Record<string, unknown>>

beforeAll(async () => {
  code = parse(await readFile('wrangler.toml', 'utf8'))
  checkout = await copyCheckout({}, '')
})

afterAll(() => checkout.remove())

/** What `npm run deploy` prints with a configuration, or why it ends. */
async function deploy(values: object, options = ''): Promise<string> {
  const { name, main, compatibility_date, compatibility_flags } = code
  const toml = stringify({ name, main, compatibility_date, compatibility_flags, ...values })
  await writeFile(join(checkout.folder, 'wrangler.toml'), toml)
  return checkout
    .run(`npm run --silent deploy -- ${options} 2>&1`)
    .catch(({ message }: Error) => message)
}

/** The lines of the report. */
const readProblems = (printed: string): string[] =>
  Array.from(printed.matchAll(/^ {2}(\[.*)$/gm), ([, line]) => String(line))

const delivered = (id: string) => ({ vars: VARIABLES, ...bindDatabase(id) })

test.each([
  ['production', '', '', '00000000-0000-0000-0000-000000000000'],
  ['staging', '--env=staging', 'env.staging.', '00000000-0000-0000-0000-000000000001'],
])('names what is missing in a file without values: %s', async (_, option, table, id) => {
  const values = delivered(id)
  const file = option === '' ? values : { vars: VARS, ...DATABASE, env: { staging: values } }
  const printed = await deploy(file, option)
  expect(readProblems(printed)).toEqual([
    `[${table}vars] TOKEN_ISSUER is not set`,
    `[${table}vars] TOKEN_AUDIENCE is not set`,
    `[${table}vars] JWKS_URL is not set`,
    `[[${table}d1_databases]] database_id is not an ID of a database:`,
  ])
  expect(printed).toContain('Nothing was changed.')
})

test('names every value that the Worker rejects, and does not print it', async () => {
  const vars = {
    ...VARS,
    JWKS_URL: 'https://user:secret@issuer.example/jwks',
    TOKEN_ALGORITHMS: 'HS256',
    CORS_ORIGINS: 'https://console.example/',
    KEEP_LAST_ADMINISTRATOR: 'yes',
  }
  const printed = await deploy({ vars, ...DATABASE })
  expect(readProblems(printed).toSorted()).toEqual(
    ['CORS_ORIGINS', 'JWKS_URL', 'KEEP_LAST_ADMINISTRATOR', 'TOKEN_ALGORITHMS'].map(
      (name) => `[vars] ${name} has a value that the Worker rejects`,
    ),
  )
  expect(printed).not.toContain('secret')
})

test('takes http: for the keys only with the binding ISSUER, and misses the binding DB', async () => {
  const vars = { ...VARS, JWKS_URL: 'http://issuer.internal/jwks' }
  const services = [{ binding: 'ISSUER', service: 'issuer' }]
  expect(readProblems(await deploy({ vars }))).toEqual([
    '[[d1_databases]] has no binding "DB"',
    '[vars] JWKS_URL has a value that the Worker rejects',
  ])
  expect(readProblems(await deploy({ vars, services }))).toEqual([
    '[[d1_databases]] has no binding "DB"',
  ])
})

test('deploys valid values, of --var too, and says that a misspelt variable has no effect', async () => {
  const { JWKS_URL, ...others } = VARS
  const vars = { ...others, KEEP_LAST_ADMINISTATOR: true }
  const printed = await deploy({ vars, ...DATABASE }, `--var JWKS_URL:${JWKS_URL} --dry-run`)
  expect(printed).toContain('KEEP_LAST_ADMINISTATOR is no variable of the Worker')
  expect(printed).toContain('--dry-run: exiting now.')
})

test('an environment that is not in the file gets a sentence', async () => {
  const printed = await deploy({ vars: VARS, ...DATABASE }, '--env=prod')
  expect(printed).toContain('No environment found in configuration with name "prod"')
  expect(printed).not.toContain('    at ')
})
