/**
 * Finds the values and bindings of an environment that the Worker would reject, by the rules of src/config.ts, and a
 * placeholder in place of the database's ID.
 */
import { join } from 'node:path'
import { build } from 'esbuild'
import type { Unstable_Config } from 'wrangler'
import { VARIABLES } from '../dev/identity-worker.ts'
import { ROOT } from '../dev/wrangler.ts'

type Values = Readonly<Record<string, unknown>>

/** Valid values, which take the place of missing and invalid ones, so that the next problem is found. */
const VALID: Values = {
  TOKEN_ISSUER: 'https://issuer.example',
  TOKEN_AUDIENCE: 'identity',
  JWKS_URL: 'https://issuer.example/jwks',
}

const BINDING = { batch() {}, fetch() {}, prepare() {}, send() {}, sendBatch() {} }

/** An ID as D1 gives it. The placeholders of wrangler.toml begin with zeros. */
const DATABASE_ID = /^(?!0{8}-)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** What was found, one line each, without any value. */
export interface Findings {
  /** The table of wrangler.toml and what is missing or invalid in it. */
  readonly problems: readonly string[]
  /** Names that the Worker does not read. */
  readonly unknown: readonly string[]
}

/**
 * Checks an environment.
 * @param env its name; empty for production
 * @param options variables that override those of the configuration
 */
export async function checkValues(
  config: Unstable_Config,
  env: string,
  options: Values = {},
): Promise<Findings> {
  // If the file has no environment at all, wrangler takes the values of production.
  if (env !== '' && config.definedEnvironments?.includes(env) !== true) {
    return { problems: [`[env.${env}] is not in the file`], unknown: [] }
  }
  const findInvalid = await loadRules()
  const vars: Values = { ...config.vars, ...options }
  const { d1_databases, services = [], queues } = config
  const bindings = [...d1_databases, ...services, ...(queues.producers ?? [])]
  const checked: Record<string, unknown> = { ...vars }
  for (const { binding } of bindings) checked[binding] = BINDING
  const path = env === '' ? '' : `env.${env}.`
  const databases = `[[${path}d1_databases]]`
  const problems: string[] = []
  for (;;) {
    const name = findInvalid(checked)
    if (name === undefined) break
    const value = vars[name]
    const isSet = typeof value === 'string' ? value.trim() !== '' : value !== undefined
    if (name === 'DB') problems.push(`${databases} has no binding "DB"`)
    else if (isSet) problems.push(`[${path}vars] ${name} has a value that the Worker rejects`)
    else problems.push(`[${path}vars] ${name} is not set`)
    checked[name] = name === 'DB' ? BINDING : VALID[name]
  }
  const database = d1_databases.find(({ binding }) => binding === 'DB')
  if (database !== undefined && !DATABASE_ID.test(database.database_id ?? '')) {
    problems.push(
      `${databases} database_id is not the ID of a database. This makes one and prints its ID:`,
      `  npx wrangler d1 create ${database.database_name ?? 'identity'}`,
    )
  }
  return { problems, unknown: Object.keys(vars).filter((name) => !(name in VARIABLES)) }
}

/**
 * Loads src/config.ts. Its imports have no file extensions, as bundlers resolve them, so it is bundled.
 * @returns a function that names the first variable or binding that the Worker rejects
 */
async function loadRules(): Promise<(environment: Values) => string | undefined> {
  const { outputFiles } = await build({
    entryPoints: [join(ROOT, 'src/config.ts')],
    bundle: true,
    write: false,
    format: 'esm',
  })
  const source = Buffer.from(outputFiles[0]?.contents ?? []).toString('base64')
  const { readConfig } = (await import(`data:text/javascript;base64,${source}`)) as {
    readConfig: (environment: Values) => unknown
  }
  return (environment) => {
    try {
      readConfig(environment)
      return undefined
    } catch (error) {
      const { detail } = error as { detail?: string }
      if (detail === undefined) throw error
      return detail
    }
  }
}
