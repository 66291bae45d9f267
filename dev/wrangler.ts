/**
 * Runs one command of wrangler, quiet and off the network, and hands back what it printed. What a person should see of
 * it, the caller decides; a failure shows everything.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Advice } from './advice.ts'

/** The checkout: where wrangler.toml is. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url))

const WRANGLER = fileURLToPath(
  new URL('../node_modules/wrangler/wrangler-dist/cli.js', import.meta.url),
)
const TIMEOUT_MS = 120_000

/**
 * What `wrangler <args>` printed, run in the checkout.
 * @throws Advice with all that wrangler printed, where it fails
 */
export async function wrangler(args: readonly string[]): Promise<string> {
  const running = promisify(execFile)(process.execPath, ['--no-warnings', WRANGLER, ...args], {
    cwd: ROOT,
    timeout: TIMEOUT_MS,
    env: {
      ...process.env,
      CI: 'true',
      CLOUDFLARE_CF_FETCH_ENABLED: 'false', // else a local database asks the network where it is
      NO_COLOR: '1',
      WRANGLER_HIDE_BANNER: 'true',
      WRANGLER_SEND_METRICS: 'false',
      WRANGLER_WRITE_LOGS: 'false',
    },
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
