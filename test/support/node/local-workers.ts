/**
 * The deployed bundle on real workerd with real D1, from Node: dev/local-workers.ts, with a migrated database and a log.
 * Databases live as long as the runtime, unless they are given a folder.
 */
import { inject } from 'vitest'
import { identityWorker, type IdentityOptions } from '../../../dev/identity-worker.ts'
import {
  startWorkers as start,
  type LocalWorker,
  type LocalWorkers as Workers,
} from '../../../dev/local-workers.ts'

/** What to run. */
export interface LocalWorkersOptions {
  /** Identity Workers, which share one database; one without any variable, unless told otherwise. */
  readonly identity?: readonly IdentityOptions[]
  /** Other Workers beside them, such as one that is bound to `identity`. */
  readonly others?: readonly LocalWorker[]
  /** False leaves the database without tables. */
  readonly migrate?: boolean
  /** The folder in which the database outlives the runtime. */
  readonly storage?: string
  /** Opens the inspector. */
  readonly inspect?: boolean
}

/** Workers that run. */
export interface LocalWorkers extends Workers {
  /** The address of the first one. */
  readonly url: URL
  readonly db: D1Database
  /** What the Workers have logged so far, one text a line. */
  readonly log: readonly string[]
}

/** Starts Workers; resolves when they listen and the database is migrated. */
export async function startWorkers(options: LocalWorkersOptions = {}): Promise<LocalWorkers> {
  const { identity = [{}], others = [], migrate = true, storage, inspect = false } = options
  const own = identity.map((settings) => identityWorker(inject('bundle'), settings))
  const workers = [...own, ...others]
  const log: string[] = []
  const running = await start({
    workers,
    inspect,
    onLog: (line) => log.push(line),
    ...(storage === undefined ? {} : { persistTo: storage }),
  })
  const first = workers[0]?.name ?? ''
  const db = (await running.databaseOf(first)) as unknown as D1Database
  if (migrate) await applyMigrations(db)
  return { ...running, url: running.urlOf(first), db, log }
}

/** Applies every file of `migrations/`, each as one transaction. */
export async function applyMigrations(db: D1Database): Promise<void> {
  for (const { queries } of inject('migrations')) {
    await db.batch(queries.map((query) => db.prepare(query)))
  }
}
