/**
 * Who takes part in the core: each kind of request, the Worker that answers it, and its isolates. The least Workers are
 * compared with the project before they are timed.
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
  /** Among the few that tell how close to the limit the project is. */
  readonly limit?: true
  readonly door?: 'none' | 'rpc' | 'http'
  readonly slow?: true
  /** Takes part 16 at once, too. */
  readonly concurrent?: true
}

/** The kinds by name. */
export const PARTS = {
  nothing: { worker: 'nothing', limit: true, concurrent: true },
  'least refusal': { worker: 'leastRefusal', limit: true, concurrent: true },
  'least refusal, by jose': { worker: 'leastRefusalByJose', limit: true },
  'refused token': { worker: 'identity', limit: true, concurrent: true },
  'refused token again': { worker: 'identity', limit: true },
  'barest batch': { worker: 'barestBatch', limit: true, concurrent: true },
  'least deletion': { worker: 'leastDeletion', limit: true, concurrent: true },
  'batch alone': { worker: 'batchAlone', limit: true },
  deletion: { worker: 'identity', limit: true, concurrent: true },
  'deletion again': { worker: 'identity', limit: true },
  'expired token': { worker: 'identity' },
  'no permission': { worker: 'identity' },
  'no such user': { worker: 'identity' },
  'binding, no call': { worker: 'caller', door: 'none' },
  'deletion by RPC': { worker: 'caller', door: 'rpc' },
  'deletion by bound fetch': { worker: 'caller', door: 'http' },
  'tutorial deletion': { worker: 'tutorial', slow: true, concurrent: true },
  'tutorial deletion, keys given': { worker: 'tutorialKeysGiven', slow: true, concurrent: true },
  'better-auth removal': { worker: 'betterAuth', slow: true, concurrent: true },
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
    'least refusal, by jose': refusal,
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

/** Whether a kind is among the few that tell how close to the limit the project is. */
export function isLimit(name: Name): boolean {
  return 'limit' in PARTS[name]
}
