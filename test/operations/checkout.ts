/**
 * A copy of the checkout, without values of an operator, in which the commands of a document run as a reader would type
 * them, with a local database of its own. It shares the packages with the checkout and never reaches the network.
 */
import { execFile, spawn } from 'node:child_process'
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { writeIdentityConfig } from '../../dev/identity-worker.ts'
import { localEnvironment } from '../../dev/wrangler.ts'

const COPIED = ['package.json', 'tsconfig.json', 'src', 'queries', 'migrations', 'examples']

/** What npx does if a package is installed, without the second that it takes to find that out. */
const NPX = 'npx() { "$@"; }\n'

/** A copy of the checkout. */
export interface Checkout {
  readonly folder: string
  /** What its shells know beside the environment of this process. */
  readonly env: Record<string, string>
  /** What a shell prints that runs these lines. Rejects with all that was printed if one of them fails. */
  run(lines: string): Promise<string>
  /** Starts lines that keep running, and returns what ends them. */
  start(lines: string): () => Promise<void>
  /** Ends what still runs, and deletes the folder. */
  remove(): Promise<void>
}

/** Copies the checkout. */
export async function copyCheckout(env: Record<string, string>): Promise<Checkout> {
  const folder = await mkdtemp(join(tmpdir(), 'identity-checkout-'))
  await Promise.all(COPIED.map((name) => cp(name, join(folder, name), { recursive: true })))
  const database = { binding: 'DB', database_name: 'identity-staging', database_id: 'staging' }
  writeIdentityConfig(folder, {
    main: 'src/index.ts',
    migrations: 'migrations',
    env: { staging: { d1_databases: [database] } },
  })
  await symlink(resolve('node_modules'), join(folder, 'node_modules'))
  const path = `${join(folder, 'node_modules', '.bin')}:${process.env['PATH']}`
  const options = () => ({ cwd: folder, env: { ...localEnvironment(), ...env, PATH: path } })
  const running: (() => Promise<void>)[] = []
  return {
    folder,
    env,
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
      const shell = spawn('sh', ['-ec', NPX + lines], {
        ...options(),
        detached: true,
        stdio: 'ignore',
      })
      const ended = new Promise<void>((done) => shell.once('exit', () => done()))
      const isRunning = () => shell.exitCode === null && shell.signalCode === null
      running.push(async () => {
        if (shell.pid !== undefined && isRunning()) process.kill(-shell.pid)
        await ended
      })
      return running.at(-1)!
    },
    async remove() {
      for (const stop of running) await stop()
      await rm(folder, { recursive: true })
    },
  }
}
