/**
 * Runs Workers on local workerd with D1 on disk: each one as `wrangler deploy` would upload it (wrangler bundles and
 * minifies it and reads its configuration), all in one runtime, so that they can be bound to each other. Migrations are
 * wrangler's. It knows nothing of people, tokens or issuers.
 */
import { join, parse } from 'node:path'
import { Log, LogLevel, Miniflare, convertV4MiniflareOptions } from 'miniflare'
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from 'wrangler'
import { wrangler } from './wrangler.ts'

/** A D1 database, as a Worker would see it: what this folder needs of Cloudflare's `D1Database`. */
export interface Database {
  prepare(sql: string): Statement
  batch(statements: readonly Statement[]): Promise<{ readonly results: Row[] }[]>
}

/** A row of a result, by the names of its columns. */
export type Row = Readonly<Record<string, string | number | null>>

/** A statement of a D1 database. */
export interface Statement {
  bind(...values: readonly (string | number | null)[]): Statement
  first(): Promise<Row | null>
  all(): Promise<{ readonly results: Row[] }>
  run(): Promise<unknown>
}

/** A Worker to run, by its wrangler configuration. */
export interface WorkerToRun {
  /** Path of the wrangler configuration. */
  readonly configPath: string
  /** TCP port on 127.0.0.1; 0 takes a free one. */
  readonly port: number
  /** Variables that go before those of the configuration. */
  readonly vars: Readonly<Record<string, string>>
}

/** The running Workers. */
export interface RunningWorkers {
  /** The address of each Worker, in the order asked for. */
  readonly urls: readonly URL[]
  /** The first Worker's database `DB`. */
  readonly database: Database
  /** Ends the runtime and releases its ports. */
  stop(): Promise<void>
}

/** Applies the migrations that the database has not seen, as `wrangler d1 migrations apply` does. */
export async function migrate(configPath: string, persistTo: string): Promise<void> {
  const where = ['--config', configPath, '--local', '--persist-to', persistTo]
  await wrangler(['d1', 'migrations', 'apply', 'DB', ...where])
}

/**
 * Bundles a Worker as it would be deployed.
 * @returns what wrangler printed, with the size of the upload
 */
export function bundle(configPath: string, outputFolder: string): Promise<string> {
  return wrangler(['deploy', '--dry-run', '--config', configPath, '--outdir', outputFolder])
}

/** A Worker that is bundled and configured, ready for a runtime. */
export type BuiltWorker = Awaited<ReturnType<typeof buildWorker>>

/** Bundles a Worker into a folder of its own and reads its configuration. */
export async function buildWorker({ configPath, port, vars }: WorkerToRun, buildFolder: string) {
  const config = unstable_readConfig({ config: configPath }, { hideWarnings: true })
  if (config.name === undefined || config.main === undefined) {
    throw new Error(`${configPath} has no name or no main`)
  }
  const folder = join(buildFolder, config.name)
  await bundle(configPath, folder)
  const { modulesRules: _, bindings, ...options } = readOptions(config)
  return {
    ...options,
    name: config.name,
    modules: true,
    modulesRoot: folder,
    scriptPath: join(folder, `${parse(config.main).name}.js`),
    bindings: { ...bindings, ...vars },
    // A socket of its own, so that nothing stands between a caller and the Worker.
    unsafeDirectSockets: [{ host: '127.0.0.1', port }],
  }
}

/** Starts built Workers in one runtime; resolves when they listen. */
export async function runWorkers(
  workers: readonly BuiltWorker[],
  persistTo: string,
  onLog: (line: string) => void,
): Promise<RunningWorkers> {
  const runtime = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: 0,
      cf: false, // else it asks the network where it is
      log: new Log(LogLevel.ERROR),
      handleStructuredLogs: ({ message }) => onLog(message),
      resourcePersistencePath: join(persistTo, 'v3'), // where wrangler's --persist-to puts it
      workers: [...workers],
    }),
  )
  await runtime.ready
  return {
    urls: await Promise.all(workers.map(({ name }) => runtime.unsafeGetDirectURL(name))),
    database: (await runtime.getD1Database('DB', workers[0]?.name)) as Database,
    stop: () => runtime.dispose(),
  }
}

function readOptions(config: Parameters<typeof unstable_getMiniflareWorkerOptions>[0] & object) {
  return unstable_getMiniflareWorkerOptions(config).workerOptions as Record<string, unknown> & {
    readonly bindings?: Readonly<Record<string, string>>
  }
}
