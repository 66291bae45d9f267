/**
 * `npm run deploy`: checks the values of one environment, migrates its database and deploys it. `--env=<name>` chooses
 * the environment, by default production; other options go to `wrangler deploy`. `--dry-run` uploads nothing.
 */
import { spawnSync } from 'node:child_process'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import { unstable_readConfig, type Unstable_Config } from 'wrangler'
import { Advice } from '../dev/advice.ts'
import { ROOT, WRANGLER } from '../dev/wrangler.ts'
import { checkValues } from './check-values.ts'

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
const pairs = [values.var ?? []].flat().map(String)
const vars = Object.fromEntries(
  pairs.map((pair) => [pair.split(':', 1)[0], pair.slice(pair.indexOf(':') + 1)]),
)

const config = readFile()
const { problems, unknown } = await checkValues(config, env, vars)
for (const name of unknown)
  console.warn(`${name} is not a variable of the Worker: it has no effect.`)
if (problems.length > 0) {
  throw new Advice(
    `${basename(config.configPath ?? '')} is not ready for a deployment:\n` +
      problems.map((problem) => `  ${problem}\n`).join('') +
      'Nothing was changed. docs/operations.md says how to get the values.',
  )
}
if (values['dry-run'] !== true) run('d1', 'migrations', 'apply', 'DB', '--remote', `--env=${env}`)
run('deploy', ...(args.some((arg) => /^(?:--env|-e)(?:=|$)/.test(arg)) ? [] : ['--env=']), ...args)

function readFile(): Unstable_Config {
  try {
    return unstable_readConfig({ env }, { hideWarnings: true })
  } catch (error) {
    throw new Advice((error as Error).message, { cause: error })
  }
}

/** Runs wrangler with the account of the operator. Ends with its exit code if it fails. */
function run(...command: readonly string[]): void {
  const { status } = spawnSync(process.execPath, ['--no-warnings', WRANGLER, ...command], {
    cwd: ROOT,
    stdio: 'inherit',
  })
  if (status !== 0) process.exit(status ?? 1)
}
