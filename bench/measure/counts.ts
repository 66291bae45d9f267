/** The exact cost of a request in D1. Not timed. */
import { send } from '../support/client.ts'
import { startProgress } from '../support/progress.ts'
import { COUNTS_HEADER, type DatabaseCounts } from '../workers/wrapped.ts'
import { type Kind, type RunningKind, withKinds } from './kinds.ts'
import * as requests from './requests.ts'

const counted = (made: requests.Requests, worker: Kind['worker'] = 'this project'): Kind => ({
  worker,
  isWrapped: true,
  isolates: 1,
  ...made,
})

const deletion = requests.deletion()
const keyed = requests.deletion(1, {
  makeHeaders: () => ({ 'Idempotency-Key': crypto.randomUUID() }),
})

const COUNTED = {
  'refused token': counted(requests.refusedToken),
  'unknown caller': counted(requests.unknownCaller),
  'no permission': counted(requests.notPermitted),
  'no such user': counted(requests.noSuchUser),
  deletion: counted(deletion),
  'deletion with an idempotency key': counted(keyed),
  'minimum deletion': counted(deletion, 'minimum deletion'),
  'tutorial deletion': counted(deletion, 'tutorial'),
}

export type CountsResult = readonly ({ name: string; status: number } & DatabaseCounts)[]

export function measureCounts(): Promise<CountsResult> {
  return withKinds(COUNTED, async (running) => {
    const results = []
    const update = startProgress('exact counts', running.length)
    for (const kind of running) {
      const { name, status } = kind
      results.push(Object.assign({ name, status }, await readCounts(kind)))
      update(results.length)
    }
    return results
  })
}

/** Counts the second request: the first one includes what an isolate does once. */
export async function readCounts({ origins, make }: RunningKind): Promise<DatabaseCounts> {
  const [first, second] = await make(2)
  await send(origins[0]!, first!)
  const { headers } = await send(origins[0]!, second!)
  return JSON.parse(String(headers[COUNTS_HEADER])) as DatabaseCounts
}
