/**
 * wrangler.toml as it is delivered, a deployment without values, and flags in TOML (test/configuration.test.ts has what
 * each does). If the file has the values of an operator, the tests of its content are reported as skipped.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { unstable_readConfig } from 'wrangler'
import { VARIABLES } from '../../dev/identity-worker.ts'
import { readDocument } from '../operations/document'
import { call } from '../support/node/client'
import { startWorkers } from '../support/node/local-workers'

/** wrangler's reading of a TOML text. */
async function readTOML(text: string, env = '') {
  const folder = await mkdtemp(join(tmpdir(), 'identity-config-'))
  const config = join(folder, 'wrangler.toml')
  try {
    await writeFile(config, text)
    return unstable_readConfig({ config, env }, { hideWarnings: true })
  } finally {
    await rm(folder, { recursive: true })
  }
}

const delivered = await readFile('wrangler.toml', 'utf8')
const isFilledIn = Boolean((await readTOML(delivered)).vars['TOKEN_ISSUER'])

// In the checkout of an operator the file has the operator's values, which these tests do not judge.
describe.skipIf(isFilledIn)('wrangler.toml as delivered', () => {
  test.each(['', 'staging'])(
    'has every variable without a value, environment "%s"',
    async (env) => {
      expect((await readTOML(delivered, env)).vars).toEqual(VARIABLES)
    },
  )

  test('binds the database as DB, with the migrations of this folder', async () => {
    expect((await readTOML(delivered)).d1_databases).toMatchObject([
      { binding: 'DB', database_name: 'identity', migrations_dir: 'migrations' },
    ])
  })

  test('keeps the log, and not the platform’s own, which has request headers', async () => {
    expect((await readTOML(delivered)).observability).toMatchObject({
      enabled: true,
      head_sampling_rate: 1,
      logs: { invocation_logs: false },
    })
  })

  test('has staging as another Worker with another database and the same migrations', async () => {
    const production = await readTOML(delivered)
    const staging = await readTOML(delivered, 'staging')
    expect(staging.name).toBe('identity-staging')
    const [database] = staging.d1_databases
    expect(database).toMatchObject({ binding: 'DB', migrations_dir: 'migrations' })
    expect(database?.database_name).not.toBe(production.d1_databases[0]?.database_name)
    expect(database?.database_id).not.toBe(production.d1_databases[0]?.database_id)
    expect(staging.observability).toEqual(production.observability)
  })

  test('takes the documented custom domain in place of workers.dev, and staging keeps off it', async () => {
    const { text, code } = (await readDocument('docs/operations.md')).section('4. Give it a domain')
    const line = 'workers_dev = true'
    expect(text).toContain(`replace the line \`${line}\` by`)
    const changed = delivered.replace(line, code[0]!.text)
    const routes = [{ pattern: 'identity.example.com', custom_domain: true }]
    expect(await readTOML(changed)).toMatchObject({ workers_dev: false, routes })
    expect(await readTOML(changed, 'staging')).toMatchObject({ workers_dev: true, routes: [] })
  })

  test('takes the documented binding of the issuer', async () => {
    const operations = await readDocument('docs/operations.md')
    const [block] = operations.section('3. Set the variables').code
    const { services } = await readTOML(`${delivered}\n${block!.text}\n`)
    expect(services).toMatchObject([{ binding: 'ISSUER', service: 'your-issuer' }])
  })
})

test('a deployment without values responds 500 to everything and logs what is missing', async ({
  onTestFinished,
}) => {
  const workers = await startWorkers({ identity: [{}] })
  onTestFinished(() => workers.stop())
  const responses = [
    await call(workers.url, { organizationID: 'o', userID: 'u', token: 'x' }),
    await call(workers.url, { path: '/nowhere' }),
    await call(workers.url, { organizationID: 'o', userID: 'u', method: 'OPTIONS' }),
  ]
  expect(responses.map(({ status }) => status)).toEqual([500, 500, 500])
  const reasons = workers.log.map((text) => (JSON.parse(text) as { reason: string }).reason)
  expect(new Set(reasons)).toEqual(new Set(['configuration:TOKEN_ISSUER']))
})

test.each([
  ['true', true],
  ['false', false],
  ['"true"', 'true'],
])('a flag of wrangler.toml written as %s reaches the Worker as %j', async (value, expected) => {
  const { vars } = await readTOML(`[vars]\nKEEP_LAST_ADMINISTRATOR = ${value}`)
  expect(vars).toEqual({ KEEP_LAST_ADMINISTRATOR: expected })
})
