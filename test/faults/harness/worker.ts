/**
 * A Worker around the deployed bundle that makes its surroundings fail as planned: D1, the Cache API, the clock, what
 * keeps a request alive. The bundle itself is the one that is deployed, to the byte. The network is real: what goes
 * wrong there goes wrong in the issuer.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Environment } from '../../../src/config'
import identity from '../../../src/index'
import { PLANS, SWEEP, type DatabaseFault, type Plan, type Report } from './plan'

interface HarnessEnv extends Environment {
  readonly UNMIGRATED: D1Database
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
interface Note extends Mutable<Omit<Report, 'timers' | 'warnings'>> {
  readonly timers: number[]
  readonly warnings: string[]
}

const plans = new Map<string, Plan>()
const notes = new Map<string, Note>()
/** The request for which the platform's functions are called. */
const current = new AsyncLocalStorage<{ readonly plan: Plan; readonly note: Note }>()

const realTimeout = globalThis.setTimeout
/** Of a promise that nothing can settle the runtime knows it, and cancels the request; a timer looks like an answer to come. */
const forever = (): Promise<never> =>
  new Promise((_, reject) => realTimeout(() => reject(new Error('the harness gave up')), 600_000))
const sleep = (ms: number): Promise<void> => new Promise((resolve) => realTimeout(resolve, ms))

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
  if (mine !== undefined) mine.note.fetches += 1
  return realFetch(input, init)
}) as typeof fetch

globalThis.setTimeout = ((callback: () => void, ms: number) => {
  current.getStore()?.note.timers.push(ms)
  return realTimeout(callback, ms)
}) as typeof setTimeout

const realWarn = console.warn
console.warn = (text: string) => {
  current.getStore()?.note.warnings.push(text)
  realWarn(text)
}

const openCache = caches.open.bind(caches)
caches.open = async (name) => {
  const cache = await openCache(name)
  const mine = current.getStore()
  async function misbehave(): Promise<void> {
    if (mine?.plan.cache === 'throws') throw new Error('the Cache API is not available')
    if (mine?.plan.cache === 'hangs') await forever()
  }
  return {
    async match(key: string) {
      if (mine !== undefined) mine.note.cacheReads += 1
      await misbehave()
      const planned = mine?.plan.cache
      return typeof planned === 'object' ? new Response(planned.holds) : cache.match(key)
    },
    async put(key: string, response: Response) {
      if (mine !== undefined) mine.note.cacheWrites += 1
      await misbehave()
      return cache.put(key, response)
    },
  } as unknown as Cache
}

/** D1 with faults. Statements are the real ones. */
function breakDatabase(
  real: D1Database,
  faults: readonly DatabaseFault[],
  note: Note,
  ctx: ExecutionContext,
): D1Database {
  async function batch(statements: D1PreparedStatement[]): Promise<D1Result[]> {
    const fault = faults[note.batches] ?? { at: 'never' }
    note.batches += 1
    note.statements += statements.length
    switch (fault.at) {
      case 'before':
        await sleep(fault.delayMs ?? 0)
        throw new Error(fault.message)
      case 'inside': {
        const until = statements.slice(0, fault.statements)
        const fails = real.prepare('INSERT INTO organizations (id) VALUES (NULL)')
        const rolledBack = await real.batch([...until, fails]).then(
          () => false,
          () => true,
        )
        if (!rolledBack) throw new Error('the harness could not break the transaction')
        throw new Error(fault.message)
      }
      case 'after': {
        const committed = sleep(fault.delayMs ?? 0).then(() => real.batch(statements))
        if (fault.delayMs === undefined) await committed
        else ctx.waitUntil(committed)
        throw new Error(fault.message)
      }
      case 'hang':
        return forever()
      case 'hang after':
        // D1 goes on by itself, whether or not the request that asked is still there.
        ctx.waitUntil(sleep(fault.delayMs ?? 0).then(() => real.batch(statements)))
        return forever()
      case 'never':
        return real.batch(statements)
    }
  }
  return { prepare: (sql: string) => real.prepare(sql), batch } as unknown as D1Database
}

async function answerHarness(request: Request, id: string): Promise<Response> {
  if (request.method === 'GET') return Response.json(notes.get(id) ?? null)
  plans.set(id, await request.json<Plan>())
  return new Response(null, { status: 204 })
}

/** The deployed cron handler, with a clock at which every event of this moment is due. */
async function runSweep(env: HarnessEnv): Promise<Response> {
  const plan = { now: RealDate.now() + 31_000 }
  const controller = {} as ScheduledController
  await current.run({ plan, note: createNote() }, () => identity.scheduled(controller, env))
  return new Response(null, { status: 204 })
}

const createNote = (): Note => ({
  batches: 0,
  statements: 0,
  fetches: 0,
  cacheReads: 0,
  cacheWrites: 0,
  timers: [],
  warnings: [],
})

async function run(request: Request, env: HarnessEnv, ctx: ExecutionContext): Promise<Response> {
  const id = request.headers.get('X-Request-Id') ?? ''
  const plan = plans.get(id) ?? {}
  const note = createNote()
  notes.set(id, note)
  const real = plan.unmigrated === true ? env.UNMIGRATED : env.DB
  const broken = { ...env, ...plan.vars, DB: breakDatabase(real, plan.database ?? [], note, ctx) }
  const mortal = { waitUntil() {}, passThroughOnException() {} } as unknown as ExecutionContext
  const context = plan.mortal === true ? mortal : ctx
  return current.run({ plan, note }, () => identity.fetch(request, broken, context))
}

export default {
  async fetch(request, env, ctx) {
    const { pathname } = new URL(request.url)
    if (pathname === SWEEP) return runSweep(env)
    if (pathname.startsWith(PLANS)) return answerHarness(request, pathname.slice(PLANS.length))
    return run(request, env, ctx)
  },
} satisfies ExportedHandler<HarnessEnv>
