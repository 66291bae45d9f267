/**
 * Checkouts with the values of operators in `wrangler.toml`, `.dev.vars`, `.env` and the shell. The values do not change
 * the local stack or the tests, and nothing is written into the home folder.
 */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from 'smol-toml'
import { expect, test } from 'vitest'
import { VARIABLES } from '../../dev/identity-worker.ts'
import { readDocument } from '../operations/document'
import { copyCheckout } from '../support/node/checkout'

type Values = Readonly<Record<string, unknown>>

const COMMANDS = [
  'node scripts/run.js demo',
  'node scripts/run.js types --check',
  'vitest run --project worker --project node test/success.test.ts ' +
    'test/deployed/configuration.test.ts test/operations/documents.test.ts',
]

const { code } = await readDocument('docs/issuers.md')
const issuers = code.filter(({ language }) => language === 'toml').map(({ text }) => parse(text))
const [first, second, third, fourth, ...more] = issuers

/** Everything else that an operator can set. */
const OTHERS = {
  CORS_ORIGINS: 'https://console.example, https://admin.example',
  KEEP_LAST_ADMINISTRATOR: true,
  MEMBERS_MAY_LEAVE: true,
  RECORD_GROUPS: true,
  DELETION_RECORD_DAYS: 30,
  DPOP: 'require',
}

const bindDatabase = (id: string) => ({
  d1_databases: [{ binding: 'DB', database_name: 'acme', database_id: id }],
})

interface Scenario {
  readonly title: string
  readonly toml: Values
  readonly devVars?: Values
  readonly dotEnv: Values
  readonly shell: Readonly<Record<string, string>>
}

const scenarios: readonly Scenario[] = [
  {
    title: 'all blocks, an environment of the shell, .dev.vars and .env',
    toml: {
      name: 'acme-identity',
      account_id: '0123456789abcdef0123456789abcdef',
      routes: [{ pattern: 'identity.acme.example', custom_domain: true }],
      services: [{ binding: 'ISSUER', service: 'acme-issuer' }],
      queues: { producers: [{ binding: 'DELETION_EVENTS', queue: 'deletions' }] },
      triggers: { crons: ['* * * * *'] },
      ...bindDatabase('6fa1d1c2-7d4b-4f3e-9a51-0c3e5b7d9f11'),
      vars: { ...first, ...OTHERS },
      env: {
        production: {
          ...bindDatabase('6fa1d1c2-7d4b-4f3e-9a51-0c3e5b7d9f12'),
          vars: { ...second, ...OTHERS },
        },
      },
    },
    devVars: { ...third, TOKEN_TYPE: 'JWT' },
    dotEnv: Object.assign({ CLOUDFLARE_API_TOKEN: 'a-token' }, ...more),
    shell: { CLOUDFLARE_ENV: 'production', NODE_ENV: 'production' },
  },
  {
    title: 'required variables alone, .env, and an absent environment in the shell',
    toml: {
      ...bindDatabase('6fa1d1c2-7d4b-4f3e-9a51-0c3e5b7d9f13'),
      vars: { ...fourth, TOKEN_ALGORITHMS: 'RS256' },
    },
    dotEnv: Object.assign({ CLOUDFLARE_ENV: 'production' }, ...more.toReversed()),
    shell: { CLOUDFLARE_ENV: 'production', TOKEN_TYPE: 'none' },
  },
]

const toDotEnv = (values: Values): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}="${String(value)}"\n`)
    .join('')

test('the scenarios set every variable', () => {
  const names = new Set([...issuers, OTHERS].flatMap((values) => Object.keys(values)))
  expect(names).toEqual(new Set(Object.keys(VARIABLES)))
})

test.each(scenarios)('with $title', async ({ toml, devVars, dotEnv, shell }) => {
  const { main, compatibility_date, compatibility_flags } = parse(
    await readFile('wrangler.toml', 'utf8'),
  )
  const deployed = { name: 'identity', main, compatibility_date, compatibility_flags }
  const home = await mkdtemp(join(tmpdir(), 'identity-home-'))
  const checkout = await copyCheckout({ ...shell, HOME: home }, stringify({ ...deployed, ...toml }))
  if (devVars !== undefined) await writeFile(join(checkout.folder, '.dev.vars'), toDotEnv(devVars))
  await writeFile(join(checkout.folder, '.env'), toDotEnv(dotEnv))
  for (const command of COMMANDS) await checkout.run(command)
  expect(await readdir(home, { recursive: true })).toEqual([])
  await checkout.remove()
  await rm(home, { recursive: true })
})
