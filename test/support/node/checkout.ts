/**
 * A copy of the checkout in which commands run as a reader types them. It shares the packages with the checkout, and its
 * shells have no settings of an operator.
 */
import { execFile, spawn } from 'node:child_process'
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { writeIdentityConfig } from '../../../dev/identity-worker.ts'
import { localEnvironment } from '../../../dev/wrangler.ts'

const LEFT_OUT =
  /^(?:\.git|\.state|docs\/images)$|(?:^|\/)(?:\.wrangler|\.dev\.vars.*|\.env.*|node_modules)$/

/** Does what npx does for an installed package, without the second that npx takes to look for it. */
const NPX = 'npx() { "$@"; }\n'

export type Checkout = Awaited<ReturnType<typeof copyCheckout>>

/** Copies the checkout, with the local Worker's configuration or the text of a `wrangler.toml`. */
export async function copyCheckout(env: Record<string, string> = {}, toml?: string) {
  const folder = await mkdtemp(join(tmpdir(), 'identity-checkout-'))
  const root = resolve('.')
  const filter = (path: string) => !LEFT_OUT.test(relative(root, path))
  await cp(root, folder, { recursive: true, filter })
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  if (toml === undefined) {
    await rm(join(folder, 'wrangler.toml'))
    const database = { binding: 'DB', database_name: 'identity-staging', database_id: 'staging' }
    writeIdentityConfig(folder, {
      main: 'src/index.ts',
      migrations: 'migrations',
      env: { staging: { d1_databases: [database] } },
    })
  } else {
    await writeFile(join(folder, 'wrangler.toml'), toml)
  }
  const shells = openShells(folder, env)
  /** Ends what still runs, and deletes the folder. */
  async function remove(): Promise<void> {
    await shells.stop()
    await rm(folder, { recursive: true })
  }
  return { folder, env, ...shells, remove }
}

export type Shells = ReturnType<typeof openShells>

/**
 * Opens shells in a folder, with the programs of this checkout's packages.
 *
 * @param env is added to the environment of this process; a test may change it between two runs
 */
export function openShells(folder: string, env: Readonly<Record<string, string>> = {}) {
  const options = () => {
    const own = Object.entries(localEnvironment()).filter(([name]) => !name.startsWith('VITEST'))
    const PATH = `${resolve('node_modules/.bin')}:${process.env['PATH']}`
    return { cwd: folder, env: { ...Object.fromEntries(own), PATH, ...env } }
  }
  const running: { stop(): Promise<void> }[] = []
  return {
    /** Runs lines and returns what they print to stdout. Rejects with all output if a line fails. */
    async run(lines: string): Promise<string> {
      try {
        const { stdout } = await promisify(execFile)('sh', ['-ec', NPX + lines], options())
        return stdout
      } catch (error) {
        const { stdout, stderr } = error as { stdout: string; stderr: string }
        throw new Error(`${lines}\n${stdout}${stderr}`, { cause: error })
      }
    },
    /** Starts lines that keep running. */
    start(lines: string) {
      // A separate process group, so that the shell's children end with it.
      const shell = spawn('sh', ['-ec', NPX + lines], { ...options(), detached: true })
      let printed = ''
      for (const stream of [shell.stdout, shell.stderr]) {
        stream.on('data', (chunk: Buffer) => void (printed += chunk.toString()))
      }
      const ended = new Promise<void>((done) => shell.once('exit', () => done()))
      const isRunning = () => shell.exitCode === null && shell.signalCode === null
      const started = {
        /** Resolves to all output when a pattern is in it. Rejects with it if the lines end before. */
        async waitFor(pattern: RegExp): Promise<string> {
          while (!pattern.test(printed)) {
            if (!isRunning()) throw new Error(`${lines}\n${printed}`)
            await new Promise((done) => setTimeout(done, 50))
          }
          return printed
        },
        /** Ends the lines and what they started. */
        async stop(): Promise<void> {
          if (shell.pid !== undefined && isRunning()) process.kill(-shell.pid)
          await ended
        },
      }
      running.push(started)
      return started
    },
    /** Ends all that still runs. */
    async stop(): Promise<void> {
      for (const started of running) await started.stop()
    },
  }
}
