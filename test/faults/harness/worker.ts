/**
 * A Worker around the deployed bundle, which stays the same to the byte. It makes D1, the Cache API and the clock fail as
 * planned for one request, and counts what the request asks of the platform. The network is real: its faults are the
 * issuer's.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Environment } from '../../../src/config'
import identity from '../../../src/index'

/** How one attempt on D1 fails. */
export interface DatabaseFault {
  /** The text of the error; without one, no response comes. */
  readonly message?: string
  /** Commits all the same. */
  readonly commits?: boolean
  /** Rolls the transaction back after this number of its statements. */
  readonly statements?: number
  /** Milliseconds until the commit, for which the error does not wait; without a commit, until the error. */
  readonly delayMs?: number
}

/** The faults of one request. A plan is stored under the request's ID before the request is sent. */
export interface Plan {
  /** Variables of this request's environment. */
  readonly vars?: Readonly<Record<string, unknown>>
  /** One for each attempt; later attempts succeed. */
  readonly database?: readonly DatabaseFault[]
  /** What the Cache API holds for every key. */
  readonly cached?: string
  /** Stops the clock at this time, in Unix milliseconds. */
  readonly now?: number
  /** Ignores `waitUntil`, so that all work ends with the caller's connection. */
  readonly mortal?: boolean
}

/** What a request has asked of the platform so far. */
export interface Report {
  /** Batches sent to D1, failed ones too. */
  batches: number
  /** Statements in those batches. */
  statements: number
  fetches: number
  cacheReads: number
  cacheWrites: number
  /** Milliseconds of each timer. */
  readonly timers: number[]
  /** Log lines besides the request's own. */
  readonly warnings: string[]
}

const plans = new Map<string, Plan>()
const reports = new Map<string, Report>()
/** The request for which the platform's functions are called. */
const current = new AsyncLocalStorage<{ readonly plan: Plan; readonly report: Report }>()

const realTimeout = globalThis.setTimeout
const sleep = (ms: number): Promise<void> => new Promise((resolve) => realTimeout(resolve, ms))
/** The runtime cancels a request that waits for nothing; a timer keeps it waiting. */
const hang = async (): Promise<never> => {
  await sleep(600_000)
  throw new Error('the harness gave up')
}

const RealDate = Date
const readClock = (): number => current.getStore()?.plan.now ?? RealDate.now()
globalThis.Date = class extends RealDate {
  constructor(...values: [] | [number | string | Date]) {
    super(values[0] ?? readClock())
  }
  static override now(): number {
    return readClock()
  }
} as DateConstructor

const realFetch = globalThis.fetch
globalThis.fetch = ((input: RequestInfo, init?: RequestInit) => {
  const mine = current.getStore()
  if (mine !== undefined) mine.report.fetches += 1
  return realFetch(input, init)
}) as typeof fetch

globalThis.setTimeout = ((callback: () => void, ms: number) => {
  current.getStore()?.report.timers.push(ms)
  return realTimeout(callback, ms)
}) as typeof setTimeout

const realWarn = console.warn
console.warn = (text: string) => {
  current.getStore()?.report.warnings.push(text)
  realWarn(text)
}

const openCache = caches.open.bind(caches)
caches.open = async (name) => {
  const cache = await openCache(name)
  const mine = current.getStore()
  return {
    match(key: string) {
      if (mine !== undefined) mine.report.cacheReads += 1
      const cached = mine?.plan.cached
      return cached === undefined ? cache.match(key) : Promise.resolve(new Response(cached))
    },
    put(key: string, response: Response) {
      if (mine !== undefined) mine.report.cacheWrites += 1
      return cache.put(key, response)
    },
  } as unknown as Cache
}

/** The real D1 with faults. */
function breakDatabase(
  real: D1Database,
  faults: readonly DatabaseFault[],
  report: Report,
  ctx: ExecutionContext,
): D1Database {
  async function rollBack(statements: D1PreparedStatement[]): Promise<void> {
    const fails = real.prepare('INSERT INTO organizations (id) VALUES (NULL)')
    const isCommitted = await real.batch([...statements, fails]).then(
      () => true,
      () => false,
    )
    if (isCommitted) throw new Error('the harness could not break the transaction')
  }

  async function batch(all: D1PreparedStatement[]): Promise<D1Result[]> {
    const fault = faults[report.batches]
    report.batches += 1
    report.statements += all.length
    if (fault === undefined) return real.batch(all)
    const { message, commits = false, statements, delayMs = 0 } = fault
    if (statements !== undefined) await rollBack(all.slice(0, statements))
    else if (!commits) await sleep(delayMs)
    else if (delayMs === 0) await real.batch(all)
    else ctx.waitUntil(sleep(delayMs).then(() => real.batch(all)))
    if (message === undefined) return hang()
    throw new Error(message)
  }
  return { prepare: (sql: string) => real.prepare(sql), batch } as unknown as D1Database
}

const createReport = (): Report => ({
  batches: 0,
  statements: 0,
  fetches: 0,
  cacheReads: 0,
  cacheWrites: 0,
  timers: [],
  warnings: [],
})

/** Serves the harness itself: PUT stores a plan, GET reads its report, POST runs a sweep for which all events are due. */
async function control(request: Request, id: string, env: Environment): Promise<Response> {
  if (request.method === 'GET') return Response.json(reports.get(id) ?? null)
  if (request.method === 'PUT') plans.set(id, await request.json<Plan>())
  else {
    const plan = { now: RealDate.now() + 31_000 }
    const controller = {} as ScheduledController
    await current.run({ plan, report: createReport() }, () => identity.scheduled(controller, env))
  }
  return new Response(null, { status: 204 })
}

async function run(request: Request, env: Environment, ctx: ExecutionContext): Promise<Response> {
  const id = request.headers.get('X-Request-Id') ?? ''
  const plan = plans.get(id) ?? {}
  const report = createReport()
  reports.set(id, report)
  const DB = breakDatabase(env.DB, plan.database ?? [], report, ctx)
  const mortal = { waitUntil() {}, passThroughOnException() {} } as unknown as ExecutionContext
  return current.run({ plan, report }, () =>
    identity.fetch(request, { ...env, ...plan.vars, DB }, plan.mortal === true ? mortal : ctx),
  )
}

export default {
  fetch(request, env, ctx) {
    const [, id] = /^\/harness\/(.*)$/.exec(new URL(request.url).pathname) ?? []
    return id === undefined ? run(request, env, ctx) : control(request, id, env)
  },
} satisfies ExportedHandler<Environment>
