/**
 * The deployed bundle on real workerd with real D1, from Node. Each Worker listens on a socket of its own with nothing
 * before it, and reaches the network by itself. Databases live as long as the runtime, unless they are given a folder.
 */
import {
  convertV4MiniflareOptions,
  Log,
  LogLevel,
  Miniflare,
  type V4WorkerOptionsShape,
  type V4WorkerOptions,
} from 'miniflare'
import { join } from 'node:path'
import { inject } from 'vitest'
import { unstable_readConfig } from 'wrangler'

/** How one Identity Worker is deployed. */
export interface Deployment {
  /** The Worker's name; `identity` unless several are run. */
  readonly name?: string
  /** Variables that go before those of wrangler.toml. */
  readonly vars?: Readonly<Record<string, string | number | boolean>>
  /** Bindings to other Workers or to functions in Node, such as `ISSUER`. */
  readonly services?: V4WorkerOptionsShape['serviceBindings']
}

/** What to run. */
export interface LocalWorkersOptions {
  /** Identity Workers, which share one database; one without anything said, unless told otherwise. */
  readonly identity?: readonly Deployment[]
  /** Other Workers beside them, such as one that is bound to `identity`. */
  readonly others?: readonly NamedWorker[]
  /** False leaves the database without tables. */
  readonly migrate?: boolean
  /** The folder in which the database outlives the runtime. */
  readonly storage?: string
  /** Opens the inspector, through which a Worker's memory and time can be looked at. */
  readonly inspect?: boolean
}

/** Workers that run. */
export interface LocalWorkers {
  /** The address of the first one. */
  readonly url: URL
  /** The address of a Worker by its name. */
  urlOf(name: string): URL
  readonly db: D1Database
  /** What the Workers have logged so far, one text a line. */
  readonly log: readonly string[]
  /** Where the inspector listens, if it is open. */
  inspectorURL(): Promise<URL>
  stop(): Promise<void>
}

type NamedWorker = V4WorkerOptions & { readonly name: string }

/** A socket of its own, so that nothing stands between a caller and the Worker. */
const listen = () => ({ unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }] })

/** Starts Workers; resolves when they listen and the database is migrated. */
export async function startWorkers(options: LocalWorkersOptions = {}): Promise<LocalWorkers> {
  const { identity = [{}], others = [], migrate = true, storage, inspect = false } = options
  const config = unstable_readConfig({ config: 'wrangler.toml' }, { hideWarnings: true })
  const folder = inject('bundle')
  const workers: NamedWorker[] = others.map((other) => Object.assign(listen(), other))
  for (const { name = 'identity', vars, services } of identity.toReversed()) {
    workers.unshift({
      ...listen(),
      name,
      modules: true,
      modulesRoot: folder,
      scriptPath: join(folder, 'index.js'),
      compatibilityDate: config.compatibility_date ?? '',
      compatibilityFlags: config.compatibility_flags,
      bindings: { ...config.vars, ...vars },
      d1Databases: { DB: 'identity' },
      serviceBindings: { ...services },
    })
  }

  const log: string[] = []
  const runtime = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: 0,
      cf: false, // else it asks the network for one
      telemetry: { enabled: false },
      log: new Log(LogLevel.NONE),
      handleStructuredLogs: ({ message }) => log.push(message),
      ...(storage === undefined ? {} : { resourcePersistencePath: storage }),
      ...(inspect ? { inspectorPort: 0, inspectorHost: '127.0.0.1' } : {}),
      workers,
    }),
  )
  await runtime.ready
  const urls = new Map<string, URL>()
  for (const { name } of workers) urls.set(name, await runtime.unsafeGetDirectURL(name))
  const [first] = workers
  const db = (await runtime.getD1Database('DB', first?.name)) as unknown as D1Database
  if (migrate) await applyMigrations(db)

  function urlOf(name: string): URL {
    const url = urls.get(name)
    if (url === undefined) throw new Error(`no Worker named ${name} was started`)
    return url
  }
  return {
    url: urlOf(first?.name ?? ''),
    urlOf,
    db,
    log,
    inspectorURL: () => runtime.getInspectorURL(),
    stop: () => runtime.dispose(),
  }
}

/** Applies every file of `migrations/`, each as one transaction. */
export async function applyMigrations(db: D1Database): Promise<void> {
  for (const { queries } of inject('migrations')) {
    await db.batch(queries.map((query) => db.prepare(query)))
  }
}
