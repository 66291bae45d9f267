/**
 * What a test in workerd needs: a fixture in the database, an issuer that no isolate has seen, and a Worker that trusts
 * it. Each harness has its own.
 */
import { env } from 'cloudflare:workers'
import type { Seed } from '../../../dev/seeder.ts'
import type { TokenChanges } from '../../../dev/test-issuer.ts'
import { createFixture, subjectOf, type Fixture, type Subject } from '../fixture'
import { createCaller, type Call, type CallResponse, type Vars } from './caller'
import { serveIssuer, type ServedIssuer } from './issuers'

/** The outcome of a valid token if the call names a user that does not exist. */
export const VALID = '404 user_not_found'

export interface HarnessOptions {
  readonly vars?: Vars
  readonly issuer?: ServedIssuer
  /** Adds rows to the fixture. */
  readonly seed?: (seed: Seed, fixture: Fixture) => void
}

export type Harness = Awaited<ReturnType<typeof createHarness>>

export async function createHarness({ vars, seed, ...options }: HarnessOptions = {}) {
  const issuer = options.issuer ?? (await serveIssuer())
  const fixture = await createFixture(env.DB, seed)
  const call = createCaller(issuer, vars)
  const { organizationID, administrator, target } = fixture

  /** A valid token, except for the changes. */
  function token(subject: Subject, changes?: TokenChanges): Promise<string> {
    return issuer.token(subjectOf(subject), changes)
  }
  /** Calls with a valid token. Deletes the fixture's target by default. */
  async function callAs(subject: Subject, what: Call = target): Promise<CallResponse> {
    return call({ ...what, token: await token(subject) })
  }
  /** The same for the administrator of the organization, with changes to the token. */
  async function callWith(changes: TokenChanges, what: Call = target): Promise<CallResponse> {
    return call({ ...what, token: await token(administrator, changes) })
  }
  /** The outcome of such a call for a user that does not exist: `VALID` for a valid token. */
  async function judge(changes: TokenChanges): Promise<string> {
    return outcomeOf(await callWith(changes, { organizationID, userID: 'absent' }))
  }
  return { issuer, fixture, call, token, callAs, callWith, judge }
}

/** The status of a response and the reason in the log. */
export function outcomeOf({ status, line }: CallResponse): string {
  return line.reason === undefined ? String(status) : `${status} ${line.reason}`
}
