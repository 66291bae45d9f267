/**
 * Everything a test in workerd needs, all of its own: a world in the database, an issuer that no isolate has seen, and
 * a Worker that trusts it.
 */
import { env } from 'cloudflare:workers'
import type { TokenChanges } from '../issuer'
import type { Seed } from '../seed'
import { createWorld, subjectOf, type Subject, type World } from '../world'
import { createCaller, type Answer, type Call, type Caller, type Vars } from './caller'
import { serveIssuer, type ServedIssuer } from './issuers'

/** What a test acts on. */
export interface Stage {
  readonly issuer: ServedIssuer
  readonly world: World
  readonly call: Caller
  /** A good token, but for the changes. */
  readonly token: (subject: Subject, changes?: TokenChanges) => Promise<string>
  /** Calls with a good token; deletes `world.target`, unless told otherwise. */
  readonly callAs: (subject: Subject, call?: Call) => Promise<Answer>
  /** The same for the administrator of the organization, with changes to the token. */
  readonly callWith: (changes: TokenChanges, call?: Call) => Promise<Answer>
}

/** What a stage can be set with. */
export interface StageOptions {
  readonly vars?: Vars
  readonly issuer?: ServedIssuer
  /** Adds rows to the world. */
  readonly seed?: (seed: Seed, world: World) => void
}

/** Sets a new stage. */
export async function setStage(options: StageOptions = {}): Promise<Stage> {
  const issuer = options.issuer ?? (await serveIssuer())
  const world = await createWorld(env.DB, options.seed)
  const call = createCaller(issuer, options.vars)
  const stage: Stage = {
    issuer,
    world,
    call,
    token: (subject, changes) => issuer.token(subjectOf(subject), changes),
    async callAs(subject, what = world.target) {
      return call({ ...what, token: await stage.token(subject) })
    },
    async callWith(changes, what = world.target) {
      return call({ ...what, token: await stage.token(world.administrator, changes) })
    },
  }
  return stage
}
