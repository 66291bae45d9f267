/**
 * Local workerd with D1 on disk: one process, one isolate for each Worker named, each on a loopback port of its own
 * without a proxy before it. Log lines go to a file; what a Worker throws goes to standard error.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, URL } from 'node:url'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import { parse } from 'smol-toml'
import workerd from 'workerd'
import { PROJECT, STATE } from './paths.ts'

export interface WorkerSetup {
  readonly name: string
  readonly script: string
  /** Which database is bound as `DB`. */
  readonly database?: string
  readonly variables?: Readonly<Record<string, string | number>>
  readonly services?: Readonly<Record<string, { name: string; entrypoint?: string }>>
  /** Compatibility flags where they differ from the project's. */
  readonly flags?: readonly string[]
}

export interface Runtime {
  readonly pid: number
  /** Where a Worker listens. */
  readonly originOf: (worker: string) => string
  /** The inspector, where it was asked for. */
  readonly inspectorPort: number | undefined
  readonly database: (name: string) => Promise<D1Database>
  readonly stop: () => Promise<void>
}

interface WranglerConfiguration {
  compatibility_date: string
  compatibility_flags: string[]
}

/** The date and flags of the project's own configuration. */
export function readCompatibility(): { date: string; flags: string[] } {
  const toml = parse(readFileSync(join(PROJECT, 'wrangler.toml'), 'utf8'))
  const { compatibility_date, compatibility_flags } = toml as unknown as WranglerConfiguration
  return { date: compatibility_date, flags: compatibility_flags }
}

/** The folder of the databases of one kind of run; two runs at the same time do not meet. */
export function storageOf(run: string): string {
  return join(STATE, String(process.pid), run)
}

/** Sees to it that a run which is broken off leaves no databases behind; they can be large. */
export function cleanUpAtExit(): void {
  process.once('SIGINT', () => process.exit(130))
  process.once('SIGTERM', () => process.exit(143))
  process.once('exit', () =>
    rmSync(join(STATE, String(process.pid)), { recursive: true, force: true }),
  )
}

export interface RuntimeOptions {
  readonly run: string
  readonly workers: readonly WorkerSetup[]
  readonly inspect?: boolean
}

const SEEDER = 'seeder'
const IDLE_SCRIPT = 'export default { fetch: () => new Response(null) }'

/** Starts workerd with these Workers on the databases of `run`. */
export async function startRuntime({ run, workers, inspect }: RuntimeOptions): Promise<Runtime> {
  const storage = storageOf(run)
  mkdirSync(storage, { recursive: true })
  const pidFile = join(storage, 'workerd.pid')
  const logFile = join(storage, 'workerd.log')
  rmSync(logFile, { force: true })
  process.env['BENCH_WORKERD'] = workerd.default
  process.env['BENCH_WORKERD_PID_FILE'] = pidFile
  process.env['BENCH_WORKERD_LOG'] = logFile
  process.env['MINIFLARE_WORKERD_PATH'] = fileURLToPath(new URL('workerd.sh', import.meta.url))

  const { date, flags } = readCompatibility()
  const databases = [...new Set(workers.flatMap(({ database }) => database ?? []))]
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: 0,
      cf: false,
      telemetry: { enabled: false },
      log: new Log(LogLevel.ERROR),
      resourcePersistencePath: storage,
      ...(inspect === true && { inspectorPort: 0, inspectorHost: '127.0.0.1' }),
      workers: [
        {
          name: SEEDER,
          modules: true,
          script: IDLE_SCRIPT,
          compatibilityDate: date,
          d1Databases: Object.fromEntries(databases.map((name) => [name, name])),
        },
        ...workers.map((worker) => ({
          name: worker.name,
          modules: true,
          script: worker.script,
          compatibilityDate: date,
          compatibilityFlags: [...(worker.flags ?? flags)],
          unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
          bindings: { ...worker.variables },
          serviceBindings: { ...worker.services },
          ...(worker.database !== undefined && { d1Databases: { DB: worker.database } }),
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
    inspectorPort: inspect === true ? Number((await miniflare.getInspectorURL()).port) : undefined,
    originOf(worker) {
      const origin = origins.get(worker)
      if (origin === undefined) throw new Error(`no Worker named ${worker} was started`)
      return origin
    },
    database: (name) => miniflare.getD1Database(name, SEEDER),
    stop: () => miniflare.dispose(),
  }
}
