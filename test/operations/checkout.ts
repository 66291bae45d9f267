/**
 * A copy of the checkout in which the commands of a document run as a reader would type them, with a local database of
 * its own. It shares the packages with the checkout and never reaches the network.
 */
import { execFile, spawn } from 'node:child_process'
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const COPIED = ['package.json', 'wrangler.toml', 'tsconfig.json', 'src', 'queries', 'migrations']

/** Keeps wrangler quiet, unattended and off the network. */
const QUIET = {
  CI: 'true',
  NO_COLOR: '1',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_WRITE_LOGS: 'false',
}

/** What npx does where a package is installed, without the second that it takes to find that out. */
const NPX = 'npx() { "$@"; }\n'

/** A copy of the checkout. */
export interface Checkout {
  readonly folder: string
  /** What a shell prints that runs these lines. Rejects, with all that was printed, where one of them fails. */
  run(lines: string): Promise<string>
  /** Starts lines that go on running, and gives what ends them. */
  start(lines: string): () => Promise<void>
  remove(): Promise<void>
}

/** Copies the checkout; `env` is what its shells know beside the environment of this process. */
export async function copyCheckout(env: Readonly<Record<string, string>>): Promise<Checkout> {
  const folder = await mkdtemp(join(tmpdir(), 'identity-checkout-'))
  await Promise.all(COPIED.map((name) => cp(name, join(folder, name), { recursive: true })))
  await symlink(resolve('node_modules'), join(folder, 'node_modules'))
  const path = `${join(folder, 'node_modules', '.bin')}:${process.env['PATH']}`
  const options = { cwd: folder, env: { ...process.env, ...QUIET, ...env, PATH: path } }
  return {
    folder,
    async run(lines) {
      try {
        const { stdout } = await promisify(execFile)('sh', ['-ec', NPX + lines], options)
        return stdout
      } catch (error) {
        const { stdout, stderr } = error as { stdout: string; stderr: string }
        throw new Error(`${lines}\n${stdout}${stderr}`, { cause: error })
      }
    },
    start(lines) {
      // A process group of its own, so that the shell's children end with it.
      const shell = spawn('sh', ['-ec', NPX + lines], {
        ...options,
        detached: true,
        stdio: 'ignore',
      })
      const ended = new Promise<void>((done) => shell.once('exit', () => done()))
      return async () => {
        if (shell.pid !== undefined && shell.exitCode === null) process.kill(-shell.pid)
        await ended
      }
    },
    remove: () => rm(folder, { recursive: true }),
  }
}
