/**
 * `npm run deploy`: checks the values of one environment, migrates its database and deploys it. `--env=<name>` chooses the
 * environment, production without it; other options go to `wrangler deploy`. With `--dry-run` nothing is uploaded.
 */
import { spawnSync } from 'node:child_process'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { unstable_readConfig, type Unstable_Config } from 'wrangler'
import { Advice } from '../dev/advice.ts'
import { VARIABLES } from '../dev/identity-worker.ts'
import { ROOT, WRANGLER } from '../dev/wrangler.ts'

type Values = Readonly<Record<string, unknown>>

/** What src/config.ts exports, as far as this needs it. */
interface Rules {
  /** @throws an error whose `detail` names the first variable or binding that is missing or invalid */
  readConfig(env: Values): unknown
}

/** Values that stand for missing and invalid ones, so that the next problem is found. */
const VALID: Values = {
  TOKEN_ISSUER: 'https://issuer.example',
  TOKEN_AUDIENCE: 'identity',
  JWKS_URL: 'https://issuer.example/jwks',
}

/** Stands for any binding. */
const BINDING = { batch() {}, fetch() {}, prepare() {}, send() {}, sendBatch() {} }

/** An ID as D1 gives it; wrangler.toml is delivered with placeholders that begin with zeros. */
const DATABASE_ID = /^(?!0{8}-)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

const args = process.argv.slice(3)
const { values } = parseArgs({
  args,
  strict: false,
  options: {
    env: { type: 'string', short: 'e', default: '' },
    var: { type: 'string', multiple: true, default: [] },
    'dry-run': { type: 'boolean', default: false },
  },
})
const env = String(values.env)

const config = readFile()
const problems = [...(await checkVariables()), ...checkDatabase()]
if (problems.length > 0) {
  throw new Advice(
    `${basename(config.configPath ?? '')} is not ready for a deployment:\n` +
      problems.map((problem) => `  ${problem}\n`).join('') +
      'Nothing was changed. docs/operations.md says where the values come from (sections 2 and 3).',
  )
}
if (values['dry-run'] !== true) {
  run('d1', 'migrations', 'apply', 'DB', '--remote', `--env=${env}`)
}
run('deploy', ...(args.some((arg) => /^(?:--env|-e)(?:=|$)/.test(arg)) ? [] : ['--env=']), ...args)

function readFile(): Unstable_Config {
  try {
    return unstable_readConfig({ env }, { hideWarnings: true })
  } catch (error) {
    throw new Advice((error as Error).message, { cause: error })
  }
}

/** A line for each variable and binding that the Worker would reject, found by its own rules. */
async function checkVariables(): Promise<string[]> {
  const rules = await loadRules()
  const given = { ...config.vars, ...readVarOptions() }
  const { d1_databases, services = [], queues } = config
  const bindings = [...d1_databases, ...services, ...(queues.producers ?? [])]
  const checked: Record<string, unknown> = {
    ...given,
    ...Object.fromEntries(bindings.map(({ binding }) => [binding, BINDING])),
  }
  const lines: string[] = []
  for (let name = findInvalid(checked); name !== undefined; name = findInvalid(checked)) {
    const value = given[name]
    const isSet = typeof value === 'string' ? value.trim() !== '' : value !== undefined
    if (name === 'DB') lines.push(`${tableOf('[d1_databases]')} has no binding "DB"`)
    else if (isSet) lines.push(`${tableOf('vars')} ${name} has a value that the Worker rejects`)
    else lines.push(`${tableOf('vars')} ${name} is not set`)
    checked[name] = name === 'DB' ? BINDING : VALID[name]
  }
  for (const name of Object.keys(given)) {
    if (!(name in VARIABLES))
      console.warn(`${name} is no variable of the Worker: it has no effect.`)
  }
  return lines

  function findInvalid(environment: Values): string | undefined {
    try {
      rules.readConfig(environment)
      return undefined
    } catch (error) {
      const { detail } = error as { detail?: string }
      if (detail === undefined) throw error
      return detail
    }
  }
}

function checkDatabase(): string[] {
  const database = config.d1_databases.find(({ binding }) => binding === 'DB')
  if (database === undefined || DATABASE_ID.test(database.database_id ?? '')) return []
  const name = database.database_name ?? 'identity'
  return [
    `${tableOf('[d1_databases]')} database_id is not an ID of a database:`,
    `  npx wrangler d1 create ${name} prints it, npx wrangler d1 list shows it again`,
  ]
}

/** The name of a table in wrangler.toml; `[name]` for an array of tables. */
function tableOf(table: string): string {
  const [bracket, name] = table.startsWith('[') ? ['[[', table.slice(1, -1)] : ['[', table]
  const path = env === '' ? name : `env.${env}.${name}`
  return `${bracket}${path}${bracket.replaceAll('[', ']')}`
}

/** The values of `--var NAME:VALUE`. */
function readVarOptions(): Record<string, string> {
  const pairs = [values.var ?? []].flat().map(String)
  return Object.fromEntries(
    pairs.map((pair) => [pair.split(':', 1)[0], pair.slice(pair.indexOf(':') + 1)]),
  )
}

/** The rules of the Worker. Its files import each other as bundlers resolve them, so it is bundled. */
async function loadRules(): Promise<Rules> {
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, 'src/config.ts')],
    bundle: true,
    write: false,
    format: 'esm',
  })
  const source = Buffer.from(outputFiles[0]?.contents ?? []).toString('base64')
  return (await import(`data:text/javascript;base64,${source}`)) as Rules
}

/** Runs wrangler with the account of the operator, and ends with its exit code if it fails. */
function run(...command: readonly string[]): void {
  const { status } = spawnSync(process.execPath, ['--no-warnings', WRANGLER, ...command], {
    cwd: ROOT,
    stdio: 'inherit',
  })
  if (status !== 0) process.exit(status ?? 1)
}
