/**
 * What a test in workerd needs: a fixture in the database, an issuer that no isolate has seen, and a Worker that trusts
 * it. Each harness has its own.
 */
import { env } from 'cloudflare:workers'
import type { TokenChanges } from '../../../dev/test-issuer.ts'
import type { Seed } from '../../../dev/seeder.ts'
import { createFixture, subjectOf, type Subject, type Fixture } from '../fixture'
import { createCaller, type CallResponse, type Call, type Caller, type Vars } from './caller'
import { serveIssuer, type ServedIssuer } from './issuers'

/** The outcome of a valid token if the call names a user that does not exist. */
export const VALID = '404 user_not_found'

export interface Harness {
  readonly issuer: ServedIssuer
  readonly fixture: Fixture
  readonly call: Caller
  /** A valid token, except for the changes. */
  readonly token: (subject: Subject, changes?: TokenChanges) => Promise<string>
  /** Calls with a valid token. Deletes `fixture.target` by default. */
  readonly callAs: (subject: Subject, call?: Call) => Promise<CallResponse>
  /** The same for the administrator of the organization, with changes to the token. */
  readonly callWith: (changes: TokenChanges, call?: Call) => Promise<CallResponse>
  /** The outcome of such a call for a user that does not exist: `VALID`, or what is wrong with the token. */
  readonly judge: (changes: TokenChanges) => Promise<string>
}

export interface HarnessOptions {
  readonly vars?: Vars
  readonly issuer?: ServedIssuer
  /** Adds rows to the fixture. */
  readonly seed?: (seed: Seed, fixture: Fixture) => void
}

export async function createHarness(options: HarnessOptions = {}): Promise<Harness> {
  const issuer = options.issuer ?? (await serveIssuer())
  const fixture = await createFixture(env.DB, options.seed)
  const call = createCaller(issuer, options.vars)
  const harness: Harness = {
    issuer,
    fixture,
    call,
    token: (subject, changes) => issuer.token(subjectOf(subject), changes),
    async callAs(subject, what = fixture.target) {
      return call({ ...what, token: await harness.token(subject) })
    },
    async callWith(changes, what = fixture.target) {
      return call({ ...what, token: await harness.token(fixture.administrator, changes) })
    },
    async judge(changes) {
      const { organizationID } = fixture
      return outcomeOf(await harness.callWith(changes, { organizationID, userID: 'absent' }))
    },
  }
  return harness
}

/** The status of a response and the reason in the log. */
export function outcomeOf({ status, line }: CallResponse): string {
  return line.reason === undefined ? String(status) : `${status} ${line.reason}`
}
