/**
 * A kind of request: a Worker, the settings that it runs with, and the requests that it gets. Each kind has isolates of
 * its own, so that all kinds are equally warm.
 */
import { migrateBetterAuth } from '../support/better-auth.ts'
import { closeClients, send } from '../support/client.ts'
import { type Issuer, startIssuer } from '../support/issuer.ts'
import { startRuntime, type WorkerOptions, workerOf } from '../support/runtime.ts'
import { createInvite, type Invite, migrate, seed } from '../support/seed.ts'
import type { Comparison } from '../support/statistics.ts'
import type { MakeRequests, Requests } from './requests.ts'
import { buildWorker, type WorkerName } from './workers.ts'

export interface Kind extends Requests, Comparison {
  readonly worker: WorkerName
  /** Variables besides those of the issuer. */
  readonly vars?: Readonly<Record<string, string>>
  /** Further options, such as the producer of a queue. */
  readonly options?: WorkerOptions
  /** The database that is bound as `DB`; `main` if not given. */
  readonly database?: string
  /** Reached through another Worker and a service binding. */
  readonly through?: 'rpc' | 'fetch'
  /** Counts round trips to D1 or, with `DISTANCE_MS`, delays them. */
  readonly isWrapped?: true
  /** Number of isolates that take turns: two isolates of the same code differ by some percent. */
  readonly isolates?: number
  /** Takes part in each nth round only, if it is slow. */
  readonly every?: number
}

export type Kinds = Readonly<Record<string, Kind>>

/** A kind whose isolates run. */
export interface RunningKind {
  readonly name: string
  readonly status: number
  readonly every: number
  readonly origins: readonly string[]
  readonly make: MakeRequests
  /** How often all its isolates fetched the key set. */
  readonly countKeyFetches: () => number
}

/** Databases with their number of users, and of people who can be invited at the same time. */
export type Databases = Readonly<Record<string, { population: number; people: number }>>

const ISOLATES = 3
/** The database with better-auth's tables. */
export const BETTER_AUTH_DATABASE = 'better-auth'
export const POPULATION = 10_000
const MAIN: Databases = { main: { population: POPULATION, people: 2_000 } }

/** Starts the issuer, the databases and all isolates, uses them, and stops everything. */
export async function withKinds<T>(
  kinds: Kinds,
  use: (running: readonly RunningKind[], pid: number) => Promise<T>,
  databases = MAIN,
): Promise<T> {
  checkComparisons(kinds)
  const issuer = await startIssuer()
  const used = new Set(Object.values(kinds).map(({ database = 'main' }) => database))
  const seeders = [...used].map((DB) => workerOf(seederOf(DB), IDLE, { d1Databases: { DB } }))
  const runtime = await startRuntime([...seeders, ...(await listWorkers(kinds, issuer))])
  const databaseOf = (name: string) => runtime.databaseOf(seederOf(name))
  try {
    const invites = new Map<string, Invite>()
    for (const name of used) {
      const database = await databaseOf(name)
      if (name === BETTER_AUTH_DATABASE) {
        await migrateBetterAuth(database)
        continue
      }
      const { population, people } = databases[name]!
      await migrate(database)
      await seed(database, population, people)
      invites.set(name, createInvite(database, people))
    }
    const fixture = { issuer, databaseOf, inviteTo: (name: string) => invites.get(name)! }
    const running: RunningKind[] = []
    for (const [name, kind] of Object.entries(kinds)) {
      const { status, every = 1, database = 'main', through } = kind
      const isolates = isolatesOf(name, kind)
      const reached = through === undefined ? isolates : isolates.map(callerOf)
      const origins = reached.map(runtime.originOf)
      const make = await kind.prepare(fixture, { database, origin: origins[0]! })
      const countKeyFetches = () =>
        isolates.reduce((total, isolate) => total + issuer.fetchesOf(isolate), 0)
      running.push({ name, status, every, origins, make, countKeyFetches })
    }
    return await use(running, runtime.pid)
  } finally {
    await closeClients()
    await runtime.stop()
    issuer.stop()
  }
}

/** The isolates of all kinds, with the callers of those that are reached through a binding. */
async function listWorkers(kinds: Kinds, issuer: Issuer) {
  const workers = []
  const caller = await buildWorker('caller')
  for (const [name, kind] of Object.entries(kinds)) {
    const { script, options } = await buildWorker(kind.worker, kind.isWrapped)
    for (const isolate of isolatesOf(name, kind)) {
      const bindings = { ...issuer.varsFor(isolate), ...options.bindings, ...kind.vars }
      const d1Databases = { DB: kind.database ?? 'main' }
      workers.push(
        workerOf(isolate, script, { ...options, ...kind.options, d1Databases, bindings }),
      )
      if (kind.through === undefined) continue
      const IDENTITY = { name: isolate, entrypoint: 'Identity' }
      const serviceBindings = { IDENTITY, IDENTITY_HTTP: isolate }
      const setup = { bindings: { TRANSPORT: kind.through }, serviceBindings }
      workers.push(workerOf(callerOf(isolate), caller.script, setup))
    }
  }
  return workers
}

const IDLE = 'export default { fetch: () => new Response(null) }'

const seederOf = (database: string): string => `seeder of ${database}`

const callerOf = (isolate: string): string => `caller of ${isolate}`

const isolatesOf = (kind: string, { isolates = ISOLATES }: Kind): string[] =>
  Array.from({ length: isolates }, (_, index) => `${kind} #${index}`)

/** @throws Error if a kind is compared with one that does not exist, before anything is measured */
function checkComparisons(kinds: Kinds): void {
  for (const [name, { against = [], atMost = {} }] of Object.entries(kinds)) {
    const missing = [...against, ...Object.keys(atMost)].find((base) => !(base in kinds))
    if (missing !== undefined) throw new Error(`"${name}" has no "${missing}" to compare with`)
  }
}

/** Headers that differ from response to response. */
const OWN_HEADERS = new Set(['x-request-id', 'date'])

/** @throws Error if two kinds get different responses, since their ratio would then mean nothing */
export async function checkSameResponse(
  running: readonly RunningKind[],
  ...names: readonly [string, string]
): Promise<void> {
  const responses: string[] = []
  for (const name of names) {
    const { origins, make } = running.find((kind) => kind.name === name)!
    const { status, headers, text } = await send(origins[0]!, (await make(1))[0]!)
    const shown = Object.entries(headers).filter(([header]) => !OWN_HEADERS.has(header))
    const lines = shown.map(([header, value]) => `${header}: ${String(value)}`)
    responses.push([status, ...lines.toSorted(), text].join('\n'))
  }
  if (responses[0] !== responses[1]) {
    throw new Error(`"${names.join('" and "')}" respond differently:\n${responses.join('\n')}`)
  }
}
