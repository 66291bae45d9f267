/**
 * Who takes part in the limit and the core: each kind of request, the Worker that answers it, and its isolates. The least
 * Workers are compared with the project before they are timed.
 */
import { send } from '../rig/client.ts'
import type { WorkerSetup } from '../rig/runtime.ts'
import { startSession } from '../rig/session.ts'
import { BETTER_AUTH_DATABASE, type Stage } from '../rig/stage.ts'
import { setUp, type WorkerKey } from './catalogue.ts'
import { attempts, issueTokens, misses, removals } from './requests.ts'
import type { Kind } from './rounds.ts'

/** As many users as one block of requests removes, over all kinds. */
export const PEOPLE = 2_000
/** Isolates of each kind: two of the same code differ by some percent, for as long as they live. */
export const ISOLATES = 3
const SLOW = 4

interface Part {
  readonly worker: WorkerKey
  /** Where it takes part; in both, where that is not said. */
  readonly only?: 'limit' | 'core'
  readonly door?: 'none' | 'rpc' | 'http'
  readonly slow?: true
  /** Takes part 16 at once, too. */
  readonly concurrent?: true
}

/** The kinds by name. */
export const PARTS = {
  nothing: { worker: 'nothing', concurrent: true },
  'least refusal': { worker: 'leastRefusal', concurrent: true },
  'refused token': { worker: 'identity', concurrent: true },
  'refused token again': { worker: 'identity', only: 'limit' },
  'barest batch': { worker: 'barestBatch', concurrent: true },
  'least deletion': { worker: 'leastDeletion', concurrent: true },
  deletion: { worker: 'identity', concurrent: true },
  'deletion again': { worker: 'identity', only: 'limit' },
  'expired token': { worker: 'identity', only: 'core' },
  'no permission': { worker: 'identity', only: 'core' },
  'no such user': { worker: 'identity', only: 'core' },
  'binding, no call': { worker: 'caller', door: 'none', only: 'core' },
  'deletion by RPC': { worker: 'caller', door: 'rpc', only: 'core' },
  'deletion by bound fetch': { worker: 'caller', door: 'http', only: 'core' },
  'tutorial deletion': { worker: 'tutorial', slow: true, concurrent: true, only: 'core' },
  'tutorial deletion, keys given': {
    worker: 'tutorialKeysGiven',
    slow: true,
    concurrent: true,
    only: 'core',
  },
  'better-auth removal': { worker: 'betterAuth', slow: true, concurrent: true, only: 'core' },
} as const satisfies Record<string, Part>

/** Name of a kind. */
export type Name = keyof typeof PARTS

const isolateOf = (name: string, index: number) => `${name} #${index}`

/** The isolates of a kind, and behind a caller those of the project that it is bound to. */
export async function setUpPart(
  name: Name,
  variables: Readonly<Record<string, string>>,
): Promise<WorkerSetup[]> {
  const { worker, door }: Part = PARTS[name]
  const database = worker === 'betterAuth' ? BETTER_AUTH_DATABASE : 'main'
  const setups: WorkerSetup[] = []
  for (let index = 0; index < ISOLATES; index++) {
    const isolate = isolateOf(name, index)
    if (door === undefined) {
      setups.push(await setUp(worker, { name: isolate, database, variables }))
      continue
    }
    const behind = `behind ${isolate}`
    setups.push(await setUp('identity', { name: behind, database, variables }))
    const services = {
      IDENTITY: { name: behind, entrypoint: 'Identity' },
      IDENTITY_HTTP: { name: behind },
    }
    setups.push(await setUp(worker, { name: isolate, variables: { DOOR: door }, services }))
  }
  return setups
}

/** The kinds with those names on a stage, ready to be asked. */
export async function createKinds(names: readonly Name[], stage: Stage): Promise<Kind[]> {
  const { runtime, issuer } = stage
  const tokens = await issueTokens(issuer)
  const removal = {
    status: 200,
    prepare: removals(stage.inviteTo('main'), tokens.administrator),
  }
  const refusal = { status: 401, prepare: attempts(tokens.badSignature) }
  const pass = { status: 200, prepare: attempts(tokens.administrator) }
  const others: Partial<Record<Name, Pick<Kind, 'status' | 'prepare'>>> = {
    nothing: pass,
    'binding, no call': pass,
    'least refusal': refusal,
    'refused token': refusal,
    'refused token again': refusal,
    'expired token': { status: 401, prepare: attempts(tokens.expired) },
    'no permission': { status: 403, prepare: attempts(tokens.auditor) },
    'no such user': { status: 404, prepare: misses(tokens.administrator) },
  }
  if (names.includes('better-auth removal')) {
    const origin = runtime.originOf(isolateOf('better-auth removal', 0))
    const database = await runtime.database(BETTER_AUTH_DATABASE)
    const session = await startSession(origin, database, PEOPLE)
    others['better-auth removal'] = { status: 200, prepare: session.prepare }
  }
  return names.map((name) => ({
    name,
    origins: Array.from({ length: ISOLATES }, (_, index) =>
      runtime.originOf(isolateOf(name, index)),
    ),
    ...('slow' in PARTS[name] && { every: SLOW }),
    ...(others[name] ?? removal),
  }))
}

/** Headers that differ from answer to answer. */
const OWN_HEADERS = new Set(['x-request-id', 'date'])

/** The least of a thing gives the very answer that the project gives; were it another, the ratio would mean nothing. */
export async function compareAnswers(
  kinds: readonly Kind[],
  ours: Name,
  least: Name,
): Promise<void> {
  const answers: string[] = []
  for (const name of [ours, least]) {
    const { origins, prepare } = kinds.find((kind) => kind.name === name)!
    const [spec] = await prepare(1)
    const { status, headers, text } = await send(origins[0]!, spec!)
    const shown = Object.entries(headers).filter(([header]) => !OWN_HEADERS.has(header))
    const names = shown.map(([header, value]) => `${header}: ${String(value)}`)
    answers.push([status, ...names.toSorted(), text].join('\n'))
  }
  if (answers[0] !== answers[1]) {
    throw new Error(`"${least}" does not answer as "${ours}" does:\n${answers.join('\n')}`)
  }
}

/** The kinds of a section, in the order in which they are shown. */
export function listNames(section: 'limit' | 'core'): readonly Name[] {
  return (Object.keys(PARTS) as Name[]).filter((name) => {
    const { only }: Part = PARTS[name]
    return only === undefined || only === section
  })
}
