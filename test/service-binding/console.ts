/**
 * The example's Worker, as its own configuration says, beside the Worker under test; and bound to ones that fail.
 */
import { withBody, withStatus } from '../support/jwks-responders'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'
import { createSeed } from '../../dev/seeder.ts'
import { createFixture, type Fixture } from '../support/fixture'
import { buildConsoleBackend, buildTestWorker } from './test-workers'

/** What the backend answered. */
export interface CallResponse {
  readonly status: number
  readonly body: unknown
}

/** A call of the backend. */
export interface RemovalOptions {
  /** The Worker that the backend is bound to; the one under test itself unless told otherwise. */
  readonly identity?: 'identity-between' | 'down' | 'down-once'
  /** The access token; an administrator's unless told otherwise. */
  readonly token?: string
  readonly key?: string
}

/** The example, running. */
export interface Console {
  readonly issuer: ServedIssuer
  readonly workers: LocalWorkers
  readonly fixture: Fixture
  /** Adds people to the organization; each ID begins with a name and is not used twice. */
  addPeople(...names: string[]): Promise<string[]>
  /** Calls the backend. */
  remove(userIDs: readonly string[], options?: RemovalOptions): Promise<CallResponse>
  /** How many of the users are there, and how many deletion records. */
  countRows(userIDs: readonly string[]): Promise<unknown>
  stop(): Promise<void>
}

/** Starts the backend and everything that it is bound to. */
export async function startConsole(): Promise<Console> {
  const issuer = await serveIssuer()
  const failures = { down: Infinity, 'down-once': 1 }
  issuer.endpoint.respond = (request) => {
    const name = new URL(request.url).search.slice(1) as keyof typeof failures
    if (!(failures[name] > 0)) return withBody(issuer.jwks())(request)
    failures[name] -= 1
    return withStatus(503, '')(request)
  }
  const vars = { ...issuer.vars }
  const cold = (name: keyof typeof failures) => {
    return { name, vars: { ...vars, JWKS_URL: `${vars.JWKS_URL}?${name}` } }
  }
  const serviceBindings = { IDENTITY: { name: 'identity', entrypoint: 'Identity' } }
  const others = [
    buildTestWorker('identity-between', { serviceBindings }),
    buildTestWorker('caller', { serviceBindings }),
    buildConsoleBackend(),
    ...['identity-between', 'down-once', 'down'].map(buildConsoleBackend),
  ]
  const workers = await startWorkers({
    identity: [{ vars }, cold('down'), cold('down-once')],
    others: await Promise.all(others),
  })
  const fixture = await createFixture(workers.db)
  const administrator = await issuer.token(fixture.administrator.person.subject)

  return {
    issuer,
    workers,
    fixture,
    async addPeople(...names) {
      const seed = createSeed()
      const ids = names.map((name) => `${name}:${crypto.randomUUID()}`)
      for (const id of ids) seed.member(fixture.organizationID, { id, groups: [fixture.readers] })
      await seed.save(workers.db)
      return ids
    },
    async remove(userIDs, { identity, token = administrator, key } = {}) {
      const name = identity === undefined ? 'console-backend' : `console-backend-of-${identity}`
      const path = `/organizations/${fixture.organizationID}/removals`
      const headers: Record<string, string> = { Authorization: `Bearer ${token}` }
      if (key !== undefined) headers['Idempotency-Key'] = key
      const body = JSON.stringify({ userIDs })
      const response = await fetch(new URL(path, workers.urlOf(name)), {
        method: 'POST',
        headers,
        body,
      })
      return { status: response.status, body: await response.json() }
    },
    countRows(userIDs) {
      return workers.db
        .prepare(
          `SELECT ${countOf('organization_users', 'id')} AS users,
            ${countOf('user_deletions', 'organization_user_id')} AS records`,
        )
        .bind(JSON.stringify(userIDs))
        .first()
    },
    async stop() {
      await workers.stop()
      await issuer.stop()
    },
  }
}

/** The report of somebody who was removed at once. */
export function removedAtOnce(userID: string) {
  return { userID, result: 'removed', attempts: 1 }
}

function countOf(table: string, column: string): string {
  return `(SELECT count(*) FROM ${table} WHERE ${column} IN (SELECT value FROM json_each(?1)))`
}
