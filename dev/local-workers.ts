/**
 * Runs Workers on local workerd, all in one runtime, so that they can be bound to each other. Each Worker listens on
 * its own socket, without a proxy. The runtime ends with this process, even if this process is killed.
 */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { devNull, tmpdir } from 'node:os'
import { join, parse } from 'node:path'
import {
  convertV4MiniflareOptions,
  Log,
  LogLevel,
  Miniflare,
  type LegacyWorkerOptions,
} from 'miniflare'
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from 'wrangler'
import type { Database } from './database.ts'
import { wrangler } from './wrangler.ts'

/** A Worker to run, in miniflare's terms. */
export type LocalWorker = LegacyWorkerOptions & { readonly name: string }

/** What to run, and how. */
export interface LocalWorkersOptions {
  readonly workers: readonly LocalWorker[]
  /** The folder that keeps the databases, wrangler's `--persist-to`; by default they end with the runtime. */
  readonly persistTo?: string
  /** Gets each line that a Worker logs. */
  readonly onLog?: (line: string) => void
  /** A file that gets the lines in place of `onLog`, so that this process does no work while a request is timed. */
  readonly logFile?: string
  /** Prints the errors that Workers throw. */
  readonly showErrors?: boolean
  /** Opens the inspector, which reports the memory and the CPU time of a Worker. */
  readonly inspect?: boolean
}

/** The running Workers. */
export type LocalWorkers = Awaited<ReturnType<typeof startWorkers>>

/** Makes a Worker listen on a TCP port of 127.0.0.1; 0 takes a free one. */
export const listenOn = (port: number) => ({ unsafeDirectSockets: [{ host: '127.0.0.1', port }] })

/** Starts Workers in one runtime; resolves when they listen. */
export async function startWorkers(options: LocalWorkersOptions) {
  const { workers, persistTo, onLog = () => {}, showErrors = false, inspect = false } = options
  const leash = createLeash(options.logFile)
  const runtime = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: 0,
      cf: false, // else it looks up its location on the network
      telemetry: { enabled: false },
      log: new Log(showErrors ? LogLevel.ERROR : LogLevel.NONE),
      handleStructuredLogs: ({ message }) => onLog(message),
      unsafeRuntimeEnv: leash.env,
      ...(persistTo === undefined ? {} : { resourcePersistencePath: join(persistTo, 'v3') }),
      ...(inspect ? { inspectorPort: 0, inspectorHost: '127.0.0.1' } : {}),
      workers: workers.map((worker) => ({ ...listenOn(0), ...worker })),
    }),
  )
  const stop = async () => {
    await runtime.dispose()
    leash.release()
  }
  const urls = new Map<string, URL>()
  try {
    await runtime.ready
    for (const { name } of workers) urls.set(name, await runtime.unsafeGetDirectURL(name))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    /** The address of a Worker. */
    urlOf(name: string): URL {
      const url = urls.get(name)
      if (url === undefined) throw new Error(`no Worker named ${name} was started`)
      return url
    },
    /** The database that a Worker has as `DB`. */
    databaseOf: async (name: string) => (await runtime.getD1Database('DB', name)) as Database,
    /** The queue that a Worker sends to by a binding. */
    queueOf: (name: string, binding: string) => runtime.getQueueProducer(binding, name),
    /** Runs the cron handler of a Worker, which a local runtime never does by itself. */
    async runCron(name: string): Promise<void> {
      const worker = (await runtime.getWorker(name)) as unknown as CronHandler
      await worker.scheduled({ cron: '* * * * *', scheduledTime: new Date() })
    },
    /** The process ID of the runtime; 0 on Windows. */
    pid: leash.readPID(),
    /** The address of the inspector, if it is open. */
    inspectorURL: () => runtime.getInspectorURL(),
    /** Ends the runtime and releases its ports. */
    stop,
  }
}

interface CronHandler {
  scheduled(event: { readonly cron: string; readonly scheduledTime: Date }): Promise<unknown>
}

/** Bundles the Worker of a wrangler configuration into a folder. Ignores `.dev.vars` and `.env`. */
export async function buildWorker(configPath: string, folder: string): Promise<LocalWorker> {
  const { name, main, options } = readWorker(configPath)
  await bundle(configPath, folder)
  const path = join(folder, `${parse(main).name}.js`)
  const modules = [{ type: 'ESModule', path }]
  return { ...options, name, modulesRoot: folder, modules } as LocalWorker
}

/** The name, the main file and the options of a Worker in a wrangler configuration. */
export function readWorker(configPath: string) {
  // An empty name is the top level of the file; without it, CLOUDFLARE_ENV decides.
  const config = unstable_readConfig({ config: configPath, env: '' }, { hideWarnings: true })
  const { name, main, vars } = config
  if (name === undefined || main === undefined) throw new Error(`${configPath}: no name or no main`)
  // No .dev.vars and no .env is beside this path.
  const hidden = { ...config, userConfigPath: devNull }
  const { workerOptions } = unstable_getMiniflareWorkerOptions(hidden)
  const { modulesRules: _modules, rootPath: _root, ...options } = workerOptions
  return { name, main, options: { ...options, bindings: vars } as Partial<LegacyWorkerOptions> }
}

/** Bundles a Worker as `wrangler deploy` would upload it, into a file named after its main file. */
export async function bundle(configPath: string, folder: string): Promise<void> {
  await wrangler(['deploy', '--dry-run', '--env=', '--config', configPath, '--outdir', folder])
}

/** Applies the migrations that the database has not seen, as `wrangler d1 migrations apply` does. */
export async function migrate(configPath: string, persistTo: string): Promise<void> {
  const where = ['--env=', '--config', configPath, '--local', '--persist-to', persistTo]
  await wrangler(['d1', 'migrations', 'apply', 'DB', ...where])
}

/**
 * Ties a runtime to this process: workerd.sh runs workerd, writes its process ID into a file, and kills it when this
 * process is gone. It waits on a named pipe that only this process holds open. Without it, workerd outlives a parent
 * that was killed: https://github.com/cloudflare/workers-sdk/issues/6510
 */
function createLeash(logFile?: string) {
  if (process.platform === 'win32') return { env: {}, readPID: () => 0, release() {} }
  const require = createRequire(createRequire(import.meta.url).resolve('miniflare'))
  process.env['MINIFLARE_WORKERD_PATH'] = join(import.meta.dirname, 'workerd.sh')
  process.env['WORKERD_BINARY'] = (require('workerd') as { default: string }).default
  const folder = mkdtempSync(join(tmpdir(), 'identity-workerd-'))
  const pipe = join(folder, 'parent')
  execFileSync('mkfifo', [pipe])
  const end = openSync(pipe, 'r+')
  const remove = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', remove)
  return {
    env: { WORKERD_LEASH: folder, ...(logFile === undefined ? {} : { WORKERD_LOG: logFile }) },
    readPID: () => Number(readFileSync(join(folder, 'pid'), 'utf8')),
    release() {
      writeSync(end, 'released\n')
      closeSync(end)
      process.off('exit', remove)
      remove()
    },
  }
}
