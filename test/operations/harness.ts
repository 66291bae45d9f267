/**
 * The Worker on real workerd and D1, with an issuer, for the tests of the documents.
 */
import { afterAll, vi } from 'vitest'
import type { IdentityOptions } from '../../dev/identity-worker.ts'
import { createSeed } from '../../dev/seeder.ts'
import type { IssuerVars } from '../../dev/test-issuer.ts'
import { call, type Call } from '../support/node/client'
import { startWithIssuer, type LocalWorkersOptions } from '../support/node/local-workers'

/**
 * Starts Identity Workers that trust one issuer. Stops all after the tests of the file.
 *
 * @param describeWorkers their options; `vars` override those of the issuer
 */
export async function createHarness(
  describeWorkers: (vars: IssuerVars) => readonly IdentityOptions[] = () => [{}],
  others: LocalWorkersOptions['others'] = [],
) {
  const workers = await startWithIssuer(({ vars }) => ({ identity: describeWorkers(vars), others }))
  afterAll(() => workers.stop())
  const { db, issuer } = workers

  /** Adds a member without groups, deletes it as the subject, and returns the status of the response. */
  async function tryToDelete(subject: string, organizationID: string): Promise<number> {
    const seed = createSeed()
    const target = seed.member(organizationID)
    await seed.save(db)
    const token = await issuer.token(subject)
    return (await call(workers.url, { ...target, token })).status
  }

  /** Calls a Worker, and returns the log line of the call. */
  async function readLine(request: Call, worker = workers.url) {
    const requestID = (await call(worker, request)).headers.get('X-Request-Id')!
    const line = await vi.waitUntil(() => workers.log.find((text) => text.includes(requestID)))
    return JSON.parse(line) as Readonly<Record<string, unknown>>
  }

  /** Runs the statements of a text as one transaction, and returns the rows of the last one. */
  async function run(sql: string): Promise<Record<string, unknown>[]> {
    const statements = sql.split(/;\s*$/m).filter((statement) => statement.trim() !== '')
    const results = await db.batch(statements.map((statement) => db.prepare(statement)))
    return (results.at(-1)?.results ?? []) as Record<string, unknown>[]
  }

  return { issuer, workers, db, tryToDelete, readLine, run }
}

/**
 * Adds a deletion record with an ID as the Worker creates them, which begins with the time.
 *
 * @param values its columns; the others get a value
 * @returns its ID
 */
export async function addRecord(
  db: D1Database,
  values: Readonly<Record<string, string | number>> = {},
): Promise<string> {
  const deleted_at = Number(values['deleted_at'] ?? Date.now())
  const digits = deleted_at.toString(16).padStart(12, '0')
  const id = `${digits.slice(0, 8)}-${digits.slice(8)}-7${crypto.randomUUID().slice(15)}`
  const seed = createSeed()
  seed.deletion({ id, deleted_at, ...values })
  await seed.save(db)
  return id
}
