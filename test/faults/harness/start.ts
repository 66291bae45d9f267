/**
 * Starts Workers with the harness around them, from Node, and speaks with it: files plans, reads reports, sets clocks.
 */
import { connect } from 'node:net'
import { join } from 'node:path'
import { inject } from 'vitest'
import {
  compatibility,
  DATABASE,
  identityWorker,
  type IdentityOptions,
} from '../../../dev/identity-worker.ts'
import type { LocalWorker } from '../../../dev/local-workers.ts'
import {
  startWorkers,
  type LocalWorkers,
  type LocalWorkersOptions,
} from '../../support/node/local-workers'
import { call, pathOf, type CallResponse, type Call } from '../../support/node/client'
import { bundleScript } from '../../support/node/bundle'
import type { LogLine } from '../../support/worker/log'
import { connectDatabase, DATABASE_WORKER } from './direct-database'
import { PLANS, SWEEP, type Plan, type Report } from './plan'

/** What came of a planned call. */
export interface Observation extends CallResponse {
  readonly requestID: string
}

/** Workers with the harness around each. */
export interface Harness extends LocalWorkers {
  /** Calls as planned. */
  call(sent: Call, plan?: Plan, worker?: string): Promise<Observation>
  /** Begins a call as planned. @returns what breaks the caller's connection while its request is under way */
  callAndLeave(sent: Call, plan?: Plan, worker?: string): Promise<() => void>
  /** Files a plan. @returns the ID of the request that it is for */
  plan(plan: Plan, worker?: string): Promise<string>
  /** What a request has asked of the platform so far. */
  report(requestID: string, worker?: string): Promise<Report>
  /** Runs one sweep. */
  sweep(): Promise<void>
  /** The request's log line, once it is written. */
  lineOf(requestID: string): Promise<LogLine>
}

/** What surrounds the harness: other Workers, bindings to them, a folder for the database. */
export type HarnessOptions = Pick<IdentityOptions, 'serviceBindings'> &
  Pick<LocalWorkersOptions, 'others' | 'storage' | 'migrate'>

async function createHarnessWorker(
  vars: Readonly<Record<string, string>>,
  options: Pick<HarnessOptions, 'serviceBindings'>,
): Promise<(name: string) => LocalWorker> {
  const folder = inject('bundle')
  const entryPoints = [join(import.meta.dirname, 'worker.ts')]
  const contents = await bundleScript({ entryPoints }, { deployed: true })
  return (name) =>
    identityWorker(folder, {
      ...options,
      name,
      vars,
      modules: [
        { type: 'ESModule', path: join(folder, 'harness.js'), contents },
        { type: 'ESModule', path: join(folder, 'index.js') },
      ],
      compatibilityFlags: [...compatibility.compatibilityFlags, 'nodejs_als'],
      d1Databases: { ...DATABASE, UNMIGRATED: 'unmigrated' },
    })
}

/** Starts one Worker of each name; all share one database. */
export async function startHarness(
  vars: Readonly<Record<string, string>>,
  names: readonly string[] = ['harness'],
  { others = [], storage, migrate, ...options }: HarnessOptions = {},
): Promise<Harness> {
  const harnessWorker = await createHarnessWorker(vars, options)
  const workers = await startWorkers({
    identity: [],
    others: [...names.map(harnessWorker), DATABASE_WORKER, ...others],
    ...(storage === undefined ? {} : { storage }),
    ...(migrate === undefined ? {} : { migrate }),
  })
  const [first = ''] = names

  function ask(worker: string, path: string, init?: RequestInit): Promise<Response> {
    return fetch(new URL(path, workers.urlOf(worker)), init)
  }

  const harness: Harness = {
    ...workers,
    db: connectDatabase(workers.urlOf(DATABASE_WORKER.name)),
    async plan(plan, worker = first) {
      const requestID = crypto.randomUUID()
      const body = JSON.stringify(plan)
      await ask(worker, PLANS + requestID, { method: 'PUT', body })
      return requestID
    },
    async call(sent, plan = {}, worker = first) {
      const requestID = await harness.plan(plan, worker)
      const headers = { ...sent.headers, 'X-Request-Id': requestID }
      return { requestID, ...(await call(workers.urlOf(worker), { ...sent, headers })) }
    },
    async callAndLeave(
      { organizationID = '', userID = '', token = '' },
      plan = {},
      worker = first,
    ) {
      const requestID = await harness.plan(plan, worker)
      const { hostname, port } = workers.urlOf(worker)
      const socket = connect(Number(port), hostname).on('error', () => {})
      socket.write(`DELETE ${pathOf(organizationID, userID)} HTTP/1.1\r\nHost: ${hostname}\r\n`)
      socket.write(`Authorization: Bearer ${token}\r\nX-Request-Id: ${requestID}\r\n\r\n`)
      // A plain close would not do: the runtime takes it for the end of what the caller says, not of the caller.
      return () => socket.resetAndDestroy()
    },
    async report(requestID, worker = first) {
      const response = await ask(worker, PLANS + requestID)
      return await response.json<Report>()
    },
    async sweep() {
      await ask(first, SWEEP, { method: 'POST' })
    },
    async lineOf(requestID) {
      for (let patience = 0; patience < 1_000; patience += 1) {
        const text = workers.log.findLast((line) => line.includes(`"requestID":"${requestID}"`))
        if (text !== undefined) return JSON.parse(text) as LogLine
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      throw new Error(`no line of request ${requestID} was logged`)
    },
  }
  return harness
}
