/**
 * What a request asks of D1, exactly: round trips, statements, rows read and written. Counted by a wrapper around the
 * binding, at a second request, so that what a Worker does once does not count.
 */
import { type RequestSpec, send } from '../rig/client.ts'
import { startProgress } from '../rig/progress.ts'
import { startSession } from '../rig/session.ts'
import { BETTER_AUTH_DATABASE, type Stage, withStage } from '../rig/stage.ts'
import { administratorIn, CALLER_GROUPS, groupIDs } from '../rig/world.ts'
import { COUNTS_HEADER, type DatabaseCounts } from '../workers/wrap/counted.ts'
import { setUp, type WorkerKey } from './catalogue.ts'
import { attempts, issueTokens, misses, removals } from './requests.ts'

export const COUNTED = { file: 'counted.ts', name: 'withCounts' }
const WORKERS = ['identity', 'barestBatch', 'leastDeletion', 'tutorial', 'betterAuth'] as const
const TARGET_GROUPS = [0, 1, 10, 1000]

export interface Count extends DatabaseCounts {
  readonly name: string
  readonly status: number
}

export type CountsResult = readonly Count[]

export async function measureCounts(): Promise<CountsResult> {
  return withStage(
    {
      run: 'counts',
      databases: [
        { name: 'main', population: 1_000, people: 100 },
        { name: BETTER_AUTH_DATABASE, population: 0, people: 100 },
      ],
      workers: ({ variables }) =>
        Promise.all(
          WORKERS.map((key) => {
            const database = key === 'betterAuth' ? BETTER_AUTH_DATABASE : 'main'
            return setUp(key, { name: key, database, variables }, { wrapper: COUNTED })
          }),
        ),
    },
    count,
  )
}

export type Prepare = (count: number) => RequestSpec[] | Promise<RequestSpec[]>

async function count(stage: Stage): Promise<CountsResult> {
  const { runtime, issuer } = stage
  const tokens = await issueTokens(issuer)
  const invite = stage.inviteTo('main')
  const { administrator } = tokens
  const unknown = await issuer.issueToken('subject-nobody')
  const removal = removals(invite, administrator)
  const cases: [string, WorkerKey, Prepare][] = [
    ['refused token', 'identity', attempts(tokens.badSignature)],
    ['unknown caller', 'identity', attempts(unknown)],
    ['no permission', 'identity', attempts(tokens.auditor)],
    ['no such user', 'identity', misses(administrator)],
  ]
  for (const groups of TARGET_GROUPS) {
    const prepare = removals(invite, administrator, groupIDs(groups))
    cases.push([`deletion, user in ${groups} groups`, 'identity', prepare])
  }
  for (const groups of CALLER_GROUPS) {
    const prepare = removals(invite, await issuer.issueToken(administratorIn(groups)))
    cases.push([`deletion, caller in ${groups} groups`, 'identity', prepare])
  }
  const keyed = async (times: number): Promise<RequestSpec[]> =>
    (await removal(times)).map(({ method, path, headers }) => ({
      method,
      path,
      headers: Object.assign({ 'Idempotency-Key': crypto.randomUUID() }, headers),
    }))
  cases.push(['deletion with an idempotency key', 'identity', keyed])
  cases.push(['its repetition', 'identity', repeat(keyed, runtime.originOf('identity'))])
  for (const groups of [1, 1000]) {
    const prepare = removals(invite, administrator, groupIDs(groups))
    cases.push([`least, user in ${groups} groups`, 'leastDeletion', prepare])
  }
  cases.push(['barest batch', 'barestBatch', removal], ['tutorial deletion', 'tutorial', removal])
  const session = await startSession(
    runtime.originOf('betterAuth'),
    await runtime.database(BETTER_AUTH_DATABASE),
    100,
  )
  cases.push(['better-auth removal', 'betterAuth', session.prepare])

  const progress = startProgress('exact counts', cases.length)
  const counts: Count[] = []
  for (const [name, worker, prepare] of cases) {
    counts.push({ name, ...(await readCounts(runtime.originOf(worker), prepare)) })
    progress.update(counts.length)
  }
  progress.stop()
  return counts
}

/** What a counted Worker's second request of a kind asks of D1. */
export async function readCounts(origin: string, prepare: Prepare): Promise<Omit<Count, 'name'>> {
  const [first, second] = await prepare(2)
  await send(origin, first!)
  const { status, headers } = await send(origin, second!)
  const told = headers[COUNTS_HEADER.toLowerCase()]
  return { status, ...(JSON.parse(String(told)) as DatabaseCounts) }
}

/** The same requests, each of which has been made once before. */
function repeat(prepare: (count: number) => Promise<RequestSpec[]>, origin: string): Prepare {
  return async (times) => {
    const specs = await prepare(times)
    for (const spec of specs) await send(origin, spec)
    return specs
  }
}
