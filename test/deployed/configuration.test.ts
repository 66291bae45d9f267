/**
 * wrangler.toml as it is delivered: the names that operators and callers rely on, what a deployment does that nobody has
 * configured yet, and flags as TOML writes them.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { unstable_readConfig } from 'wrangler'
import { call } from '../support/node/client'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { startWorkers, type Deployment, type LocalWorkers } from '../support/node/local-workers'
import { createWorld } from '../support/world'

const running: { stop: () => Promise<void> }[] = []

afterEach(async () => {
  for (const started of running.splice(0).toReversed()) await started.stop()
})

async function start(vars: Deployment['vars']): Promise<LocalWorkers> {
  const workers = await startWorkers({ identity: [{ vars: { ...vars } }] })
  running.push(workers)
  return workers
}

async function startIssuer(): Promise<ServedIssuer> {
  const issuer = await serveIssuer()
  running.push(issuer)
  return issuer
}

describe('wrangler.toml', () => {
  const config = unstable_readConfig({ config: 'wrangler.toml' }, { hideWarnings: true })

  test('has the variables, all without a value but the flag', () => {
    expect(config.vars).toEqual({
      TOKEN_ISSUER: '',
      TOKEN_AUDIENCE: '',
      JWKS_URL: '',
      TOKEN_TYPE: '',
      TOKEN_ALGORITHMS: '',
      REQUIRED_SCOPE: '',
      CORS_ORIGINS: '',
      KEEP_LAST_ADMINISTRATOR: 'false',
    })
  })

  test('binds the database as DB, with the migrations of this folder', () => {
    expect(config.d1_databases).toMatchObject([
      { binding: 'DB', database_name: 'identity', migrations_dir: 'migrations' },
    ])
  })

  test('keeps the log, and not the platform’s own, which takes request headers along', () => {
    expect(config.observability).toMatchObject({
      enabled: true,
      head_sampling_rate: 1,
      logs: { invocation_logs: false },
    })
  })
})

test('a deployment that nobody has configured answers 500 to everything and says what is missing', async () => {
  const workers = await start({})
  const answers = [
    await call(workers.url, { organizationID: 'o', userID: 'u', token: 'x' }),
    await call(workers.url, { path: '/nowhere' }),
    await call(workers.url, { organizationID: 'o', userID: 'u', method: 'OPTIONS' }),
  ]
  expect(answers.map(({ status }) => status)).toEqual([500, 500, 500])
  const reasons = workers.log.map((text) => (JSON.parse(text) as { reason: string }).reason)
  expect(new Set(reasons)).toEqual(new Set(['configuration:TOKEN_ISSUER']))
})

describe('a flag of wrangler.toml', () => {
  test.each([
    ['true', 403],
    ['false', 200],
    ['"true"', 403],
    ['"false"', 200],
    ['1', 500],
  ])('as %s: the last administrator who removes itself gets %i', async (value, status) => {
    const folder = await mkdtemp(join(tmpdir(), 'identity-flags-'))
    const path = join(folder, 'wrangler.toml')
    const toml = await readFile('wrangler.toml', 'utf8')
    await writeFile(path, toml.replace(/^(KEEP_LAST_ADMINISTRATOR = ).*$/m, `$1${value}`))
    const { vars } = unstable_readConfig({ config: path }, { hideWarnings: true })
    await rm(folder, { recursive: true })
    const issuer = await startIssuer()
    const workers = await start({ ...(vars as Deployment['vars']), ...issuer.vars })
    const { administrator } = await createWorld(workers.db)
    const token = await issuer.token(administrator.person.subject)
    expect((await call(workers.url, { ...administrator, token })).status).toBe(status)
  })
})
