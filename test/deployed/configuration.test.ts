/**
 * The delivered wrangler.toml. In the checkout of an operator, whose file has values, the tests of its content are
 * reported as skipped.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { unstable_readConfig } from 'wrangler'
import { VARIABLES } from '../../dev/identity-worker.ts'
import { readDocument } from '../operations/document'
import { createFolder } from '../support/node/folder'

const config = join(await createFolder(), 'wrangler.toml')

/** Reads TOML as wrangler does. */
async function readTOML(text: string, env = '') {
  await writeFile(config, text)
  return unstable_readConfig({ config, env }, { hideWarnings: true })
}

const delivered = await readFile('wrangler.toml', 'utf8')
const isFilledIn = Boolean((await readTOML(delivered)).vars['TOKEN_ISSUER'])

describe.skipIf(isFilledIn)('wrangler.toml as delivered', async () => {
  const production = await readTOML(delivered)
  // The file of an operator need not have this environment. This function runs also if its tests are skipped.
  const staging = isFilledIn ? production : await readTOML(delivered, 'staging')
  const page = await readDocument('docs/operations.md')

  test('has every variable without a value', () => {
    expect(production.vars).toEqual(VARIABLES)
    expect(staging.vars).toEqual(VARIABLES)
  })

  test('keeps the log, and not the platform’s own, which has request headers', () => {
    expect(production.observability).toMatchObject({
      enabled: true,
      head_sampling_rate: 1,
      logs: { invocation_logs: false },
    })
    expect(staging.observability).toEqual(production.observability)
  })

  test('has staging as another Worker with another database and the same migrations', () => {
    expect(staging.name).toBe('identity-staging')
    const [database] = production.d1_databases
    const [stagingDatabase] = staging.d1_databases
    const binding = { binding: 'DB', migrations_dir: 'migrations' }
    expect(database).toMatchObject({ ...binding, database_name: 'identity' })
    expect(stagingDatabase).toMatchObject(binding)
    expect(stagingDatabase?.database_name).not.toBe(database?.database_name)
    expect(stagingDatabase?.database_id).not.toBe(database?.database_id)
  })

  test('accepts the documented domain in place of workers.dev, for production alone', async () => {
    const { text, code } = page.section('4. Give it a domain')
    const line = 'workers_dev = true'
    expect(text).toContain(`replace the line \`${line}\` by`)
    const changed = delivered.replace(line, code[0]!.text)
    const routes = [{ pattern: 'identity.example.com', custom_domain: true }]
    expect(await readTOML(changed)).toMatchObject({ workers_dev: false, routes })
    expect(await readTOML(changed, 'staging')).toMatchObject({ workers_dev: true, routes: [] })
  })

  test('accepts the documented binding of the issuer', async () => {
    const [block] = page.section('3. Set the variables').code
    const { services } = await readTOML(`${delivered}\n${block!.text}\n`)
    expect(services).toMatchObject([{ binding: 'ISSUER', service: 'your-issuer' }])
  })
})

test.each([
  ['true', true],
  ['false', false],
  ['"true"', 'true'],
])('a flag of wrangler.toml written as %s reaches the Worker as %j', async (value, expected) => {
  const { vars } = await readTOML(`[vars]\nKEEP_LAST_ADMINISTRATOR = ${value}`)
  expect(vars).toEqual({ KEEP_LAST_ADMINISTRATOR: expected })
})
