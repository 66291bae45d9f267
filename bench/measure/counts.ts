/** Exact figures: what a request costs in D1, and how often an isolate fetches the key set. Not timed. */
import { load, send } from '../support/client.ts'
import { startProgress } from '../support/progress.ts'
import { COUNTS_HEADER, type DatabaseCounts } from '../workers/wrapped.ts'
import {
  BETTER_AUTH_DATABASE,
  type Kind,
  type Kinds,
  type RunningKind,
  withKinds,
} from './kinds.ts'
import * as requests from './requests.ts'

const { deletion, noSuchUser, withHeaders } = requests
const keyed = withHeaders(deletion(), () => ({ 'Idempotency-Key': crypto.randomUUID() }))

const counted = (
  made: requests.Requests,
  worker: Kind['worker'] = 'this project',
  database = 'main',
): Kind => ({ worker, database, isWrapped: true, isolates: 1, ...made })

const COUNTED: Kinds = {
  'refused token': counted(requests.refusedToken),
  'unknown caller': counted(requests.unknownCaller),
  'no permission': counted(requests.notPermitted),
  'no such user': counted(noSuchUser),
  deletion: counted(deletion()),
  'deletion with an idempotency key': counted(keyed),
  'minimum deletion': counted(deletion(), 'minimum deletion'),
  'tutorial deletion': counted(deletion(), 'tutorial'),
  'better-auth removal': counted(requests.memberRemoval, 'better-auth', BETTER_AUTH_DATABASE),
}

const FETCHING: Kinds = {
  'this project': { worker: 'this project', isolates: 1, ...noSuchUser },
  tutorial: { worker: 'tutorial', isolates: 1, ...noSuchUser },
}
const BATCH = 200

export interface CountsResult {
  readonly database: readonly ({ name: string; status: number } & DatabaseCounts)[]
  readonly keyFetches: readonly { name: string; requests: number; fetches: number }[]
}

export async function measureCounts(quick: boolean): Promise<CountsResult> {
  const database = await withKinds(COUNTED, async (running) => {
    const results = []
    const progress = startProgress('exact counts', running.length)
    for (const kind of running) {
      const { name, status } = kind
      results.push(Object.assign({ name, status }, await readCounts(kind)))
      progress.update(results.length)
    }
    progress.stop()
    return results
  })
  return { database, keyFetches: await countKeyFetches(quick ? BATCH : 10_000) }
}

/** Counts the second request, without what an isolate does once. */
export async function readCounts({ origins, make }: RunningKind): Promise<DatabaseCounts> {
  const [first, second] = await make(2)
  await send(origins[0]!, first!)
  const { headers } = await send(origins[0]!, second!)
  return JSON.parse(String(headers[COUNTS_HEADER])) as DatabaseCounts
}

function countKeyFetches(count: number): Promise<CountsResult['keyFetches']> {
  return withKinds(FETCHING, async (running) => {
    const results = []
    for (const { name, status, origins, make, countKeyFetches } of running) {
      const progress = startProgress(`key fetches, ${name}`, count)
      for (let sent = 0; sent < count; sent += BATCH) {
        await load(origins[0]!, await make(BATCH), status)
        progress.update(sent + BATCH)
      }
      progress.stop()
      results.push({ name, requests: count, fetches: countKeyFetches() })
    }
    return results
  })
}
