/**
 * Starts Identity Workers that trust a test issuer: as deployed, or with the harness of worker.ts around each.
 */
import { connect } from 'node:net'
import { join } from 'node:path'
import { inject } from 'vitest'
import { compatibility, type IdentityOptions } from '../../../dev/identity-worker.ts'
import { bundleScript } from '../../support/node/bundle'
import { call, pathOf, type Call } from '../../support/node/client'
import type { ServedIssuer } from '../../support/node/jwks-server'
import { startWithIssuer, type LocalWorkersOptions } from '../../support/node/local-workers'
import type { LogLine } from '../../support/worker/log'
import { connectDatabase, DATABASE_WORKER } from './direct-database'
import type { Plan, Report } from './worker'

interface IdentityWorkersOptions extends LocalWorkersOptions {
  /** By default a new one, which stops with the Workers. */
  readonly issuer?: ServedIssuer
}

/** Starts Identity Workers, by default one. All share one database, on which a Worker beside them runs batches. */
export async function startIdentity({ issuer, ...options }: IdentityWorkersOptions = {}) {
  const others = [...(options.others ?? []), DATABASE_WORKER]
  const workers = await startWithIssuer(() => ({ ...options, others }), issuer)
  return { ...workers, db: connectDatabase(workers.urlOf(DATABASE_WORKER.name)) }
}

export type Harness = Awaited<ReturnType<typeof startHarness>>

/** Starts Identity Workers with the harness around each. A call without the name of a Worker goes to the first one. */
export async function startHarness({ identity = [{}], ...options }: IdentityWorkersOptions = {}) {
  const folder = inject('bundle')
  const entryPoints = [join(import.meta.dirname, 'worker.ts')]
  const contents = await bundleScript({ entryPoints }, { deployed: true })
  const withHarness: IdentityOptions = {
    modules: [
      { type: 'ESModule', path: join(folder, 'harness.js'), contents },
      { type: 'ESModule', path: join(folder, 'index.js') },
    ],
    compatibilityFlags: [...compatibility.compatibilityFlags, 'nodejs_als'],
  }
  const workers = await startIdentity({
    ...options,
    identity: identity.map((each) => ({ ...withHarness, ...each })),
  })
  const [{ name: first = 'identity' } = {}] = identity

  function control(method: string, id: string, worker = first, plan?: Plan): Promise<Response> {
    const body = plan === undefined ? {} : { body: JSON.stringify(plan) }
    return fetch(new URL(`/harness/${id}`, workers.urlOf(worker)), { method, ...body })
  }

  async function storePlan(plan: Plan, worker: string): Promise<string> {
    const requestID = crypto.randomUUID()
    await control('PUT', requestID, worker, plan)
    return requestID
  }

  return {
    ...workers,
    /** Makes a call with faults. */
    async call(sent: Call, plan: Plan = {}, worker = first) {
      const requestID = await storePlan(plan, worker)
      const headers = { ...sent.headers, 'X-Request-Id': requestID }
      return { requestID, ...(await call(workers.urlOf(worker), { ...sent, headers })) }
    },
    /** Begins a call with faults. @returns a function that breaks the caller's connection */
    async callAndLeave(sent: Call, plan: Plan = {}, worker = first) {
      const { organizationID = '', userID = '', token = '' } = sent
      const requestID = await storePlan(plan, worker)
      const { hostname, port } = workers.urlOf(worker)
      const socket = connect(Number(port), hostname).on('error', () => {})
      socket.write(`DELETE ${pathOf(organizationID, userID)} HTTP/1.1\r\nHost: ${hostname}\r\n`)
      socket.write(`Authorization: Bearer ${token}\r\nX-Request-Id: ${requestID}\r\n\r\n`)
      // After a plain close the runtime still serves the request.
      return () => void socket.resetAndDestroy()
    },
    /** Reads what a request has asked of the platform so far. */
    report: async (requestID: string): Promise<Report> =>
      (await control('GET', requestID)).json<Report>(),
    /** Runs the cron handler at a time when every event is due. */
    sweep: async () => void (await control('POST', 'sweep')),
    /** The log line of a request, once it is written. */
    async lineOf(requestID: string): Promise<LogLine> {
      for (let tries = 0; tries < 1_000; tries += 1) {
        const text = workers.log.findLast((line) => line.includes(`"requestID":"${requestID}"`))
        if (text !== undefined) return JSON.parse(text) as LogLine
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      throw new Error(`no line of request ${requestID} was logged`)
    },
  }
}
