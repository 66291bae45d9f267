/**
 * The Worker under test with a hostile Worker bound to it (workers/hostile-caller.ts), and what can be seen from both
 * sides of the binding.
 */
import { expect, vi } from 'vitest'
import type { DeleteUserRequest } from '../../src/identity'
import { serveIssuer } from '../support/node/jwks-server'
import { startWorkers } from '../support/node/local-workers'
import { createSeed, type MemberOptions } from '../../dev/seeder.ts'
import { createFixture, type Fixture } from '../support/fixture'
import { buildTestWorker, buildWatchedIdentity } from './test-workers'
import type { Instruction, Sight } from './workers/hostile-caller'

type Line = Readonly<Record<string, unknown>>

/** What one call came to, on the caller's side and in the Worker's log. */
export interface Seen {
  readonly sight: Sight
  /** Everything that was logged until the next call. */
  readonly lines: readonly Line[]
  /** The length of the longest of them. */
  readonly longest: number
}

/** Both Workers, running. */
export interface Hostile {
  readonly fixture: Fixture
  /** A good request of an administrator, for a user who is never deleted unless it is sent as it is. */
  readonly request: DeleteUserRequest
  /** Makes one call, spoilt as told. */
  ask(
    how: Partial<Instruction>,
    caller?: 'hostile-caller' | 'old-caller' | 'caller-without-dpop',
  ): Promise<Seen>
  /** A good request for a new user. */
  addTarget(options?: MemberOptions): Promise<DeleteUserRequest>
  /** Whether the user of a request is still there. */
  isThere(request: DeleteUserRequest): Promise<boolean>
  stop(): Promise<void>
}

/** Starts both. */
export async function startHostile(): Promise<Hostile> {
  const issuer = await serveIssuer()
  const serviceBindings = { IDENTITY: { name: 'identity', entrypoint: 'Identity' } }
  const old = { name: 'old-caller', serviceBindings, compatibilityDate: '2025-01-01' }
  const without = {
    name: 'caller-without-dpop',
    serviceBindings: { IDENTITY: { name: 'identity-without-dpop', entrypoint: 'Identity' } },
  }
  const others = [
    buildWatchedIdentity('identity', { ...issuer.vars, DPOP: 'accept' }),
    buildWatchedIdentity('identity-without-dpop', { ...issuer.vars }),
    buildTestWorker('hostile-caller', without),
    buildTestWorker('hostile-caller', { serviceBindings }),
    buildTestWorker('hostile-caller', old),
  ]
  const workers = await startWorkers({ identity: [], others: await Promise.all(others) })
  const fixture = await createFixture(workers.db)
  const { organizationID, userID } = fixture.target
  const token = await issuer.token(fixture.administrator.person.subject)
  const request = { token, organizationID, userID }

  async function call(how: Partial<Instruction>, caller: string): Promise<Sight> {
    const body = JSON.stringify({ request, ...how })
    return (await fetch(workers.urlOf(caller), { method: 'POST', body })).json<Sight>()
  }

  return {
    fixture,
    request,
    async ask(how, caller = 'hostile-caller') {
      const logged = workers.log.length
      const sight = await call(how, caller)
      // Lines keep their order: once the next call has left its own, none of this one is still to come.
      const requestID = crypto.randomUUID()
      await call({ request: { ...request, token: 'x', requestID } }, caller)
      const before = await vi.waitFor(() => linesBefore(requestID, workers.log.slice(logged)), {
        timeout: 5_000,
        interval: 2,
      })
      const longest = Math.max(0, ...before.map(({ length }) => length))
      return { sight, lines: before.map((text) => JSON.parse(text) as Line), longest }
    },
    async addTarget(options) {
      const seed = createSeed()
      const member = seed.member(fixture.organizationID, options)
      await seed.save(workers.db)
      return { ...request, userID: member.userID }
    },
    async isThere({ userID: id }) {
      const statement = workers.db.prepare('SELECT id FROM organization_users WHERE id = ?')
      return (await statement.bind(id).first()) !== null
    },
    async stop() {
      await workers.stop()
      await issuer.stop()
    },
  }
}

function linesBefore(requestID: string, log: readonly string[]): readonly string[] {
  const index = log.findIndex((text) => text.includes(requestID))
  expect(index).not.toBe(-1)
  return log.slice(0, index)
}
