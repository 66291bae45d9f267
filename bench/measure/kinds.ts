/**
 * A kind of request: a Worker, the settings that it runs with, and the requests that it gets. Each kind has its own
 * isolates, so that all kinds are equally warm.
 */
import type { Issuer } from '../../dev/test-issuer.ts'
import type { LocalWorker } from '../../dev/local-workers.ts'
import { serveIssuer } from '../../test/support/node/jwks-server.ts'
import { closeClients, send } from '../support/client.ts'
import { createInvite, type Invite, migrate, seed } from '../support/seed.ts'
import type { Comparison } from '../support/statistics.ts'
import { buildWorker, startRuntime, type WorkerName, workerOf } from '../support/workers.ts'
import type { MakeRequests, Requests } from './requests.ts'

export interface Kind extends Requests, Comparison {
  readonly worker: WorkerName
  /** Variables besides those of the issuer. */
  readonly vars?: Readonly<Record<string, string>>
  /** Further options, such as the producer of a queue. */
  readonly options?: Partial<LocalWorker>
  /** The database that is bound as `DB`; `main` if not given. */
  readonly database?: string
  /** Reached through another Worker and a service binding. */
  readonly through?: 'rpc' | 'fetch'
  /** Counts round trips to D1, and delays them by `DISTANCE_MS`. */
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
}

/** Databases with their number of users, and of people who can be invited at the same time. */
export type Databases = Readonly<Record<string, { population: number; people: number }>>

const ISOLATES = 3
export const POPULATION = 10_000
const MAIN: Databases = { main: { population: POPULATION, people: 2_000 } }

/** Starts the issuer, the databases and all isolates, uses them, and stops everything. */
export async function withKinds<T>(
  kinds: Kinds,
  use: (running: readonly RunningKind[], pid: number) => Promise<T>,
  databases = MAIN,
): Promise<T> {
  const issuer = await serveIssuer()
  const runtime = await startRuntime(await listWorkers(kinds, issuer))
  try {
    const invites = new Map<string, Invite>()
    for (const [name, { population, people }] of Object.entries(databases)) {
      const [kind] = Object.entries(kinds).find(([, { database = 'main' }]) => database === name)!
      const database = await runtime.databaseOf(isolateOf(kind, 0))
      await migrate(database)
      await seed(database, population, people)
      invites.set(name, createInvite(database, people))
    }
    const running: RunningKind[] = []
    for (const [name, kind] of Object.entries(kinds)) {
      const { status, every = 1, database = 'main', through, prepare } = kind
      const isolates = isolatesOf(name, kind)
      const reached = through === undefined ? isolates : isolates.map(callerOf)
      const origins = reached.map((worker) => runtime.urlOf(worker).origin)
      const make = await prepare(issuer, invites.get(database)!)
      running.push({ name, status, every, origins, make })
    }
    return await use(running, runtime.pid)
  } finally {
    await closeClients()
    await runtime.stop()
    await issuer.stop()
  }
}

/**
 * The isolates of all kinds, with the callers of those that are reached through a binding. Each isolate has its own
 * key set URL, so it finds no keys of another in the Cache API.
 */
async function listWorkers(kinds: Kinds, { vars, keys }: Issuer): Promise<LocalWorker[]> {
  const PUBLIC_KEY = JSON.stringify(keys[0].publicJWK)
  const workers = []
  const caller = await buildWorker('caller')
  for (const [name, kind] of Object.entries(kinds)) {
    const script = await buildWorker(kind.worker, kind.isWrapped)
    const d1Databases = { DB: kind.database ?? 'main' }
    for (const isolate of isolatesOf(name, kind)) {
      const JWKS_URL = `${vars.JWKS_URL}/${encodeURIComponent(isolate)}`
      const bindings = { ...vars, JWKS_URL, PUBLIC_KEY, ...kind.vars }
      workers.push(workerOf(isolate, script, { ...kind.options, d1Databases, bindings }))
      if (kind.through === undefined) continue
      const IDENTITY = { name: isolate, entrypoint: 'Identity' }
      const serviceBindings = { IDENTITY, IDENTITY_HTTP: isolate }
      const setup = { bindings: { TRANSPORT: kind.through }, serviceBindings }
      workers.push(workerOf(callerOf(isolate), caller, setup))
    }
  }
  return workers
}

const callerOf = (isolate: string): string => `caller of ${isolate}`

const isolateOf = (kind: string, index: number): string => `${kind} #${index}`

const isolatesOf = (kind: string, { isolates = ISOLATES }: Kind): string[] =>
  Array.from({ length: isolates }, (_, index) => isolateOf(kind, index))

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
