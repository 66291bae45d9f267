/**
 * Runs commands of wrangler: quiet, off the network, and without the settings of an operator.
 */
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { devNull } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, URL } from 'node:url'
import { promisify } from 'node:util'
import { Advice } from './advice.ts'

/** The checkout: where wrangler.toml is. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url))

export const WRANGLER = createRequire(import.meta.url).resolve('wrangler')

const TIMEOUT_MS = 120_000

/** Variables that change what wrangler does or where it writes. */
const FOREIGN = /^(?:CLOUDFLARE|CF|WRANGLER|XDG)_/

/** A home folder inside the checkout, into which wrangler and Vitest write. */
const HOME = join(ROOT, '.wrangler', 'home')

/** Removes an operator's settings from the environment of this process, and sets a home folder in the checkout. */
export function leaveShell(): void {
  for (const name of Object.keys(process.env)) if (FOREIGN.test(name)) delete process.env[name]
  Object.assign(process.env, { HOME, USERPROFILE: HOME })
}

/** The environment for wrangler without an account. */
export function localEnvironment(): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name))
  return {
    ...Object.fromEntries(others),
    CI: 'true',
    CLOUDFLARE_CF_FETCH_ENABLED: 'false', // else a local database looks up its location on the network
    HOME,
    NO_COLOR: '1',
    USERPROFILE: HOME,
    WRANGLER_HIDE_BANNER: 'true',
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_WRITE_LOGS: 'false',
  }
}

/**
 * Runs `wrangler <args>` in the checkout, and returns its output.
 * @throws Advice with the whole output if wrangler fails
 */
export async function wrangler(args: readonly string[]): Promise<string> {
  const command = ['--no-warnings', WRANGLER, ...args, '--env-file', devNull]
  const running = promisify(execFile)(process.execPath, command, {
    cwd: ROOT,
    timeout: TIMEOUT_MS,
    env: localEnvironment(),
  })
  const end = () => running.child.kill()
  process.once('exit', end)
  try {
    return (await running).stdout
  } catch (error) {
    const { stdout, stderr, message } = error as { stdout: string; stderr: string; message: string }
    const output = `${stdout}${stderr}`.trim() || message
    throw new Advice(`wrangler ${args.join(' ')} failed:\n${output}`, { cause: error })
  } finally {
    process.off('exit', end)
  }
}
