/**
 * The first request of an isolate that has done nothing yet and knows no keys, beside its second. Every isolate has a
 * key set URL of its own, so that none finds the keys that another one has cached.
 */
import { shuffle } from 'simple-statistics'
import { time } from '../rig/client.ts'
import { startProgress } from '../rig/progress.ts'
import { withStage } from '../rig/stage.ts'
import { type Summary, summarize } from '../rig/statistics.ts'
import { CATALOGUE, setUp } from './catalogue.ts'
import { issueTokens, removals } from './requests.ts'

const WORKERS = ['leastDeletion', 'identity', 'tutorial'] as const

export interface ColdResult {
  readonly title: string
  readonly first: Summary
  readonly second: Summary
}

export async function measureCold(isolates: number): Promise<readonly ColdResult[]> {
  const copies = WORKERS.flatMap((worker) =>
    Array.from({ length: isolates }, (_, index) => ({ worker, name: `${worker}-${index}` })),
  )
  return withStage(
    {
      run: 'cold',
      databases: [{ name: 'main', population: 10_000, people: copies.length * 2 + 10 }],
      workers: ({ variables, keySetURL }) =>
        Promise.all(
          copies.map(({ worker, name }) =>
            setUp(worker, {
              name,
              database: 'main',
              variables: { ...variables, JWKS_URL: keySetURL(name) },
            }),
          ),
        ),
    },
    async ({ runtime, issuer, inviteTo }) => {
      const { administrator } = await issueTokens(issuer)
      const prepare = removals(inviteTo('main'), administrator)
      const firsts = new Map(WORKERS.map((worker) => [worker, [] as number[]]))
      const seconds = new Map(WORKERS.map((worker) => [worker, [] as number[]]))
      const progress = startProgress('cold isolates, cold keys', copies.length)
      const pause = await prepare(copies.length * 2)
      let done = 0
      for (const { worker, name } of shuffle(copies)) {
        const origin = runtime.originOf(name)
        firsts.get(worker)!.push(await time(origin, pause.pop()!, 200))
        seconds.get(worker)!.push(await time(origin, pause.pop()!, 200))
        progress.update((done += 1))
      }
      progress.stop()
      return WORKERS.map((worker) => ({
        title: CATALOGUE[worker].title,
        first: summarize(firsts.get(worker)!),
        second: summarize(seconds.get(worker)!),
      }))
    },
  )
}
