/**
 * Everything a test in workerd needs, all of its own: a fixture in the database, an issuer that no isolate has seen, and
 * a Worker that trusts it.
 */
import { env } from 'cloudflare:workers'
import type { TokenChanges } from '../../../dev/test-issuer.ts'
import type { Seed } from '../../../dev/seeder.ts'
import { createFixture, subjectOf, type Subject, type Fixture } from '../fixture'
import { createCaller, type CallResponse, type Call, type Caller, type Vars } from './caller'
import { serveIssuer, type ServedIssuer } from './issuers'

/** What a test acts on. */
export interface Harness {
  readonly issuer: ServedIssuer
  readonly fixture: Fixture
  readonly call: Caller
  /** A good token, but for the changes. */
  readonly token: (subject: Subject, changes?: TokenChanges) => Promise<string>
  /** Calls with a good token; deletes `fixture.target`, unless told otherwise. */
  readonly callAs: (subject: Subject, call?: Call) => Promise<CallResponse>
  /** The same for the administrator of the organization, with changes to the token. */
  readonly callWith: (changes: TokenChanges, call?: Call) => Promise<CallResponse>
}

/** What a harness can be set with. */
export interface HarnessOptions {
  readonly vars?: Vars
  readonly issuer?: ServedIssuer
  /** Adds rows to the fixture. */
  readonly seed?: (seed: Seed, fixture: Fixture) => void
}

/** Sets a new harness. */
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
  }
  return harness
}
