/**
 * `npm run deploy` checks the values before anything is changed. Nothing here reaches the network: a check that fails ends
 * the command, and one that passes goes on with `--dry-run`.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'smol-toml'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { unstable_readConfig } from 'wrangler'
import { VARIABLES } from '../../dev/identity-worker.ts'
import { checkValues, type Findings } from '../../scripts/check-values.ts'
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

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'identity-deploy-'))
})

afterAll(() => rm(folder, { recursive: true }))

/** The findings for a configuration with these members. */
async function check(values: object, env = ''): Promise<Findings> {
  const config = join(folder, 'wrangler.toml')
  await writeFile(config, stringify(values))
  return checkValues(unstable_readConfig({ config, env }, { hideWarnings: true }), env)
}

test.each([
  ['', '00000000-0000-0000-0000-000000000000'],
  ['staging', '00000000-0000-0000-0000-000000000001'],
])('names what is missing without values, environment "%s"', async (env, id) => {
  const delivered = { vars: VARIABLES, ...bindDatabase(id) }
  const file = env === '' ? delivered : { vars: VARS, ...DATABASE, env: { staging: delivered } }
  const table = env === '' ? '' : 'env.staging.'
  expect((await check(file, env)).problems).toEqual([
    `[${table}vars] TOKEN_ISSUER is not set`,
    `[${table}vars] TOKEN_AUDIENCE is not set`,
    `[${table}vars] JWKS_URL is not set`,
    `[[${table}d1_databases]] database_id is not the ID of a database. This makes one and prints its ID:`,
    '  npx wrangler d1 create people',
  ])
})

test('names every value that the Worker rejects, and no value', async () => {
  const vars = {
    ...VARS,
    JWKS_URL: 'https://user:secret@issuer.example/jwks',
    TOKEN_ALGORITHMS: 'HS256',
    CORS_ORIGINS: 'https://console.example/',
    KEEP_LAST_ADMINISTRATOR: 1,
  }
  const { problems } = await check({ vars, ...DATABASE })
  expect(problems.toSorted()).toEqual(
    ['CORS_ORIGINS', 'JWKS_URL', 'KEEP_LAST_ADMINISTRATOR', 'TOKEN_ALGORITHMS'].map(
      (name) => `[vars] ${name} has a value that the Worker rejects`,
    ),
  )
})

test('takes http: for the keys only with the binding ISSUER, and misses the binding DB', async () => {
  const vars = { ...VARS, JWKS_URL: 'http://issuer.internal/jwks' }
  const services = [{ binding: 'ISSUER', service: 'issuer' }]
  const noDatabase = '[[d1_databases]] has no binding "DB"'
  const noKeys = '[vars] JWKS_URL has a value that the Worker rejects'
  expect((await check({ vars })).problems).toEqual([noDatabase, noKeys])
  expect((await check({ vars, services })).problems).toEqual([noDatabase])
})

test('does not take the values of production for an environment that is not in the file', async () => {
  const { problems } = await check({ vars: VARS, ...DATABASE }, 'staging')
  expect(problems).toEqual(['[env.staging] is not in the file'])
})

test('finds a misspelt variable', async () => {
  const vars = { ...VARS, KEEP_LAST_ADMINISTATOR: true }
  const findings = await check({ vars, ...DATABASE })
  expect(findings).toEqual({ problems: [], unknown: ['KEEP_LAST_ADMINISTATOR'] })
})

test('a queue is a queue, and a text is none', async () => {
  const queues = { producers: [{ binding: 'DELETION_EVENTS', queue: 'deletions' }] }
  expect((await check({ vars: VARS, ...DATABASE, queues })).problems).toEqual([])
  const vars = { ...VARS, DELETION_EVENTS: 'deletions' }
  expect((await check({ vars, ...DATABASE })).problems).toHaveLength(1)
})

/** Each command starts programs of its own, which takes long on a busy machine. */
const TIMEOUT_MS = 180_000

test('the command ends with what is missing, or goes on', { timeout: TIMEOUT_MS }, async () => {
  const { main, compatibility_date } = parse(await readFile('wrangler.toml', 'utf8'))
  const { JWKS_URL, ...vars } = VARS
  const toml = stringify({ name: 'identity', main, compatibility_date, vars, ...DATABASE })
  const checkout = await copyCheckout({}, toml)
  const missing = await fail(checkout, 'deploy')
  expect(missing).toContain('  [vars] JWKS_URL is not set\nNothing was changed.')
  const deploy = `npm run --silent deploy -- --var JWKS_URL:${JWKS_URL} --dry-run`
  expect(await checkout.run(deploy)).toContain('--dry-run: exiting now.')
  expect(await fail(checkout, 'deploy:staging')).toContain('[env.staging] is not in the file')
  await writeFile(join(checkout.folder, 'wrangler.toml'), 'name = identity\n')
  expect(await fail(checkout, 'demo')).toContain('wrangler.toml cannot be read: Invalid TOML')
  await checkout.remove()
})

/** What a script prints that fails; no stack is in it. */
async function fail(checkout: Checkout, script: string): Promise<string> {
  const failed = checkout.run(`npm run --silent ${script}`).then(
    (printed) => `it did not fail: ${printed}`,
    (error: Error) => error.message,
  )
  expect(await failed).not.toContain('\n    at ')
  return failed
}
