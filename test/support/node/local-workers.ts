/**
 * The deployed bundle on real workerd with real D1, from Node: dev/local-workers.ts, with a migrated database and a log.
 */
import { inject } from 'vitest'
import { identityWorker, type IdentityOptions } from '../../../dev/identity-worker.ts'
import { startWorkers as start, type LocalWorker } from '../../../dev/local-workers.ts'
import { serveIssuer, type ServedIssuer } from './jwks-server'

export interface LocalWorkersOptions {
  /** Identity Workers, which share one database; by default one without any variable. */
  readonly identity?: readonly IdentityOptions[]
  /** Other Workers beside them, such as one that is bound to `identity`. */
  readonly others?: readonly LocalWorker[]
  /** False leaves the database without tables. */
  readonly migrate?: boolean
  /** The folder of the database. Without one, the database lives as long as the runtime. */
  readonly storage?: string
  /** Opens the inspector. */
  readonly inspect?: boolean
}

/** Starts Workers. Resolves when they listen and the database is migrated. */
export async function startWorkers(options: LocalWorkersOptions = {}) {
  const { identity = [{}], others = [], migrate = true, storage, inspect = false } = options
  const own = identity.map((settings) => identityWorker(inject('bundle'), settings))
  const workers = [...own, ...others]
  /** What the Workers have logged so far, one text a line. */
  const log: string[] = []
  const running = await start({
    workers,
    inspect,
    onLog: (line) => log.push(line),
    ...(storage === undefined ? {} : { persistTo: storage }),
  })
  const first = workers[0]?.name ?? ''
  const db = (await running.databaseOf(first)) as unknown as D1Database
  for (const { queries } of migrate ? inject('migrations') : []) {
    await db.batch(queries.map((query) => db.prepare(query)))
  }
  return { ...running, url: running.urlOf(first), db, log: log as readonly string[] }
}

/**
 * Starts an issuer, and Workers that trust it.
 *
 * @param describeWorkers their options; the variables of an Identity Worker override those of the issuer
 * @param shared an issuer that runs already, and stays when the Workers stop
 */
export async function startWithIssuer(
  describeWorkers: (issuer: ServedIssuer) => LocalWorkersOptions | Promise<LocalWorkersOptions>,
  shared?: ServedIssuer,
) {
  const issuer = shared ?? (await serveIssuer())
  const { identity = [{}], ...options } = await describeWorkers(issuer)
  const trusting = identity.map((each) =>
    Object.assign({}, each, { vars: { ...issuer.vars, ...each.vars } }),
  )
  const workers = await startWorkers({ ...options, identity: trusting })
  async function stop(): Promise<void> {
    await workers.stop()
    if (shared === undefined) await issuer.stop()
  }
  return { ...workers, issuer, stop }
}
