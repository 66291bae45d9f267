/**
 * Local workerd with D1 on disk: one process, one isolate for each Worker, each on a loopback port of its own without a
 * proxy. Log lines go to a file.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, URL } from 'node:url'
import {
  convertV4MiniflareOptions,
  Log,
  LogLevel,
  Miniflare,
  type V4WorkerOptions,
} from 'miniflare'
import { unstable_readConfig } from 'wrangler'
import { PROJECT, STATE } from './paths.ts'

const WORKERD = createRequire(import.meta.url)('workerd') as { readonly default: string }
const SEEDER = 'seeder'
const IDLE_SCRIPT = 'export default { fetch: () => new Response(null) }'

/** What miniflare can give a Worker. */
export type WorkerOptions = Partial<
  Pick<
    V4WorkerOptions,
    'bindings' | 'compatibilityFlags' | 'd1Databases' | 'queueProducers' | 'serviceBindings'
  >
>

export interface WorkerSetup {
  readonly name: string
  readonly script: string
  readonly options?: WorkerOptions
}

export interface Runtime {
  readonly pid: number
  readonly originOf: (worker: string) => string
  readonly database: (name: string) => Promise<D1Database>
  /** Ends workerd and removes its databases. */
  readonly stop: () => Promise<void>
}

/** Starts workerd with these Workers, and with empty databases of these names. */
export async function startRuntime(
  workers: readonly WorkerSetup[],
  databases: readonly string[] = [],
): Promise<Runtime> {
  mkdirSync(STATE, { recursive: true })
  const storage = mkdtempSync(join(STATE, 'run-'))
  const removeStorage = () => rmSync(storage, { recursive: true, force: true })
  process.once('exit', removeStorage)
  const pidFile = join(storage, 'workerd.pid')
  Object.assign(process.env, {
    BENCH_WORKERD: WORKERD.default,
    BENCH_WORKERD_PID_FILE: pidFile,
    BENCH_WORKERD_LOG: join(storage, 'workerd.log'),
    MINIFLARE_WORKERD_PATH: fileURLToPath(new URL('workerd.sh', import.meta.url)),
  })
  const config = unstable_readConfig({ config: join(PROJECT, 'wrangler.toml') })
  const base = {
    modules: true,
    compatibilityDate: config.compatibility_date!,
    compatibilityFlags: config.compatibility_flags,
  }
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: 0,
      cf: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.ERROR),
      resourcePersistencePath: storage,
      workers: [
        { ...base, name: SEEDER, script: IDLE_SCRIPT, d1Databases: [...databases] },
        ...workers.map(({ name, script, options }) => ({
          ...base,
          name,
          script,
          unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
          ...options,
        })),
      ],
    }),
  )
  await miniflare.ready
  const origins = new Map<string, string>()
  for (const { name } of workers) {
    origins.set(name, (await miniflare.unsafeGetDirectURL(name)).origin)
  }
  return {
    pid: Number(readFileSync(pidFile, 'utf8')),
    originOf: (worker) => origins.get(worker)!,
    database: (name) => miniflare.getD1Database(name, SEEDER),
    async stop() {
      await miniflare.dispose()
      removeStorage()
      process.off('exit', removeStorage)
    },
  }
}
