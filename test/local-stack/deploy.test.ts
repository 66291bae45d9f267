/**
 * The check of the values before a deployment. No test reaches the network: `npm run deploy` ends with a failed check,
 * or runs with `--dry-run`.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, stringify } from 'smol-toml'
import { expect, test } from 'vitest'
import { unstable_readConfig } from 'wrangler'
import { VARIABLES } from '../../dev/identity-worker.ts'
import { checkValues, type Findings } from '../../scripts/check-values.ts'
import { copyCheckout, type Checkout } from '../support/node/checkout'
import { createFolder } from '../support/node/folder'

const VARS = {
  TOKEN_ISSUER: 'https://issuer.example',
  TOKEN_AUDIENCE: 'identity',
  JWKS_URL: 'https://issuer.example/jwks',
}
const bindDatabase = (id: string) => ({
  d1_databases: [{ binding: 'DB', database_name: 'people', database_id: id }],
})
const DATABASE = bindDatabase('6fa1d1c2-7d4b-4f3e-9a51-0c3e5b7d9f11')

const folder = await createFolder()

/** The findings for a configuration with these members. */
async function check(values: object, env = ''): Promise<Findings> {
  const config = join(folder, 'wrangler.toml')
  await writeFile(config, stringify(values))
  return checkValues(unstable_readConfig({ config, env }, { hideWarnings: true }), env)
}

test.each([
  ['', '00000000-0000-0000-0000-000000000000'],
  ['staging', '00000000-0000-0000-0000-000000000001'],
])('names the missing values of environment "%s"', async (env, id) => {
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

const http = { JWKS_URL: 'http://issuer.internal/jwks' }
const services = [{ binding: 'ISSUER', service: 'issuer' }]
const queues = { producers: [{ binding: 'DELETION_EVENTS', queue: 'deletions' }] }
const invalid = {
  JWKS_URL: 'https://user:secret@issuer.example/jwks',
  TOKEN_ALGORITHMS: 'HS256',
  CORS_ORIGINS: 'https://console.example/',
  KEEP_LAST_ADMINISTRATOR: 1,
}

test.each<[title: string, vars: object, bindings: object, rejected: string[]]>([
  ['rejects each invalid value, and prints none', invalid, {}, Object.keys(invalid)],
  ['rejects http: for the keys without the binding ISSUER', http, {}, ['JWKS_URL']],
  ['accepts http: for the keys with the binding ISSUER', http, { services }, []],
  ['accepts a queue', {}, { queues }, []],
  ['rejects a text in place of a queue', { DELETION_EVENTS: 'q' }, {}, ['DELETION_EVENTS']],
])('%s', async (_, vars, bindings, rejected) => {
  const { problems } = await check({ vars: { ...VARS, ...vars }, ...DATABASE, ...bindings })
  expect(problems.toSorted()).toEqual(
    rejected.toSorted().map((name) => `[vars] ${name} has a value that the Worker rejects`),
  )
})

test('names a missing database and a misspelt variable', async () => {
  const findings = await check({ vars: { ...VARS, KEEP_LAST_ADMINISTATOR: true } })
  expect(findings.problems).toEqual(['[[d1_databases]] has no binding "DB"'])
  expect(findings.unknown).toEqual(['KEEP_LAST_ADMINISTATOR'])
})

/** Starting the programs of each command takes long on a busy machine. */
const TIMEOUT_MS = 180_000

test('the command prints what is missing, or deploys', { timeout: TIMEOUT_MS }, async () => {
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

/** The output of a script that fails. It has no stack trace. */
async function fail(checkout: Checkout, script: string): Promise<string> {
  const failed = checkout.run(`npm run --silent ${script}`)
  const { message } = await failed.then(
    () => new Error('it did not fail'),
    (error: Error) => error,
  )
  expect(message).not.toContain('\n    at ')
  return message
}
