/**
 * A copy of the checkout in which commands run as a reader would type them. It shares the packages with the checkout, and
 * its shells have no settings of an operator.
 */
import { execFile, spawn } from 'node:child_process'
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { writeIdentityConfig } from '../../../dev/identity-worker.ts'
import { localEnvironment } from '../../../dev/wrangler.ts'

const LEFT_OUT =
  /^(?:\.git|\.state|bench|docs\/images)$|(?:^|\/)(?:\.wrangler|\.dev\.vars.*|\.env.*|node_modules)$/

/** What npx does if a package is installed, without the second that it takes to find that out. */
const NPX = 'npx() { "$@"; }\n'

/** Shells in a folder. */
export interface Shells {
  /** What a shell prints that runs these lines. Rejects with all that was printed if one of them fails. */
  run(lines: string): Promise<string>
  /** Starts lines that keep running. */
  start(lines: string): StartedLines
  /** Ends what still runs. */
  stop(): Promise<void>
}

/** Lines that keep running. */
export interface StartedLines {
  /** All that was printed, once this is in it. Rejects with it if the lines end before. */
  waitFor(pattern: RegExp): Promise<string>
  /** Ends them and what they started. */
  stop(): Promise<void>
}

/** A copy of the checkout. */
export interface Checkout extends Shells {
  readonly folder: string
  /** What its shells know beside the environment of this process. */
  readonly env: Record<string, string>
  /** Ends what still runs, and deletes the folder. */
  remove(): Promise<void>
}

/** Copies the checkout. Without the text of a `wrangler.toml` the local Worker's configuration is in its place. */
export async function copyCheckout(
  env: Record<string, string> = {},
  toml?: string,
): Promise<Checkout> {
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
  return {
    folder,
    env,
    ...shells,
    async remove() {
      await shells.stop()
      await rm(folder, { recursive: true })
    },
  }
}

/** Shells in a folder, with the programs of this checkout's packages. `env` may change between two of them. */
export function openShells(folder: string, env: Readonly<Record<string, string>> = {}): Shells {
  const options = () => {
    const own = Object.entries(localEnvironment()).filter(([name]) => !name.startsWith('VITEST'))
    const PATH = `${resolve('node_modules/.bin')}:${process.env['PATH']}`
    return { cwd: folder, env: { ...Object.fromEntries(own), PATH, ...env } }
  }
  const running: StartedLines[] = []
  return {
    async run(lines) {
      try {
        const { stdout } = await promisify(execFile)('sh', ['-ec', NPX + lines], options())
        return stdout
      } catch (error) {
        const { stdout, stderr } = error as { stdout: string; stderr: string }
        throw new Error(`${lines}\n${stdout}${stderr}`, { cause: error })
      }
    },
    start(lines) {
      // A process group of its own, so that the shell's children end with it.
      const shell = spawn('sh', ['-ec', NPX + lines], { ...options(), detached: true })
      let printed = ''
      for (const stream of [shell.stdout, shell.stderr]) {
        stream.on('data', (chunk: Buffer) => void (printed += chunk.toString()))
      }
      const ended = new Promise<void>((done) => shell.once('exit', () => done()))
      const isRunning = () => shell.exitCode === null && shell.signalCode === null
      const started: StartedLines = {
        async waitFor(pattern) {
          while (!pattern.test(printed)) {
            if (!isRunning()) throw new Error(`${lines}\n${printed}`)
            await new Promise((done) => setTimeout(done, 50))
          }
          return printed
        },
        async stop() {
          if (shell.pid !== undefined && isRunning()) process.kill(-shell.pid)
          await ended
        },
      }
      running.push(started)
      return started
    },
    async stop() {
      for (const started of running) await started.stop()
    },
  }
}
