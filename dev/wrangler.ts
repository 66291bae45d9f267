/**
 * Runs one command of wrangler, quiet, off the network and independent of this machine's settings, and returns what it
 * printed. A failure shows everything that it printed.
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

/** The program of wrangler. */
export const WRANGLER = createRequire(import.meta.url).resolve('wrangler')

const TIMEOUT_MS = 120_000

/** Variables that change what wrangler does, or where it writes. */
const FOREIGN = /^(?:CLOUDFLARE|CF|WRANGLER|XDG)_/

/** A home folder inside the checkout: wrangler and Vitest write into it. */
const HOME = join(ROOT, '.wrangler', 'home')

/** Removes the settings of an operator's shell from this process, and gives it a home folder in the checkout. */
export function leaveShell(): void {
  for (const name of Object.keys(process.env)) if (FOREIGN.test(name)) delete process.env[name]
  Object.assign(process.env, { HOME, USERPROFILE: HOME })
}

/** The environment of a wrangler that needs no account: without an operator's settings, quiet, unattended, off the network. */
export function localEnvironment(): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name))
  return {
    ...Object.fromEntries(others),
    CI: 'true',
    CLOUDFLARE_CF_FETCH_ENABLED: 'false', // else a local database asks the network where it is
    HOME,
    NO_COLOR: '1',
    USERPROFILE: HOME,
    WRANGLER_HIDE_BANNER: 'true',
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_WRITE_LOGS: 'false',
  }
}

/**
 * What `wrangler <args>` printed, run in the checkout.
 * @throws Advice with all that wrangler printed, if it fails
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
    throw new Advice(`wrangler ${args.join(' ')} failed:\n${printed(error)}`, { cause: error })
  } finally {
    process.off('exit', end)
  }
}

function printed(error: unknown): string {
  const { stdout, stderr, message } = error as { stdout?: string; stderr?: string; message: string }
  return `${stdout ?? ''}${stderr ?? ''}`.trim() || message
}
