/** How often the issuer is asked for its keys while one isolate answers many requests, 16 at once, from a cold start. */
import { load } from '../rig/client.ts'
import { startProgress } from '../rig/progress.ts'
import { withStage } from '../rig/stage.ts'
import { CATALOGUE, setUp } from './catalogue.ts'
import { issueTokens, misses } from './requests.ts'

const WORKERS = ['identity', 'tutorial'] as const
const CONCURRENCY = 16
const BATCH = 1_000

export interface KeysResult {
  readonly title: string
  readonly requests: number
  readonly fetches: number
}

export async function measureKeys(requests: number): Promise<readonly KeysResult[]> {
  return withStage(
    {
      run: 'keys',
      databases: [{ name: 'main', population: 10_000, people: 1 }],
      workers: ({ variables, keySetURL }) =>
        Promise.all(
          WORKERS.map((worker) =>
            setUp(worker, {
              name: worker,
              database: 'main',
              variables: { ...variables, JWKS_URL: keySetURL(worker) },
            }),
          ),
        ),
    },
    async ({ runtime, issuer }) => {
      const { administrator } = await issueTokens(issuer)
      const prepare = misses(administrator)
      const results: KeysResult[] = []
      for (const worker of WORKERS) {
        const { title } = CATALOGUE[worker]
        const progress = startProgress(`key fetches, ${title}`, requests)
        for (let sent = 0; sent < requests; sent += BATCH) {
          const count = Math.min(BATCH, requests - sent)
          await load(runtime.originOf(worker), prepare(count), 404, CONCURRENCY)
          progress.update(sent + count)
        }
        progress.stop()
        results.push({ title, requests, fetches: issuer.fetchesOf(worker) })
      }
      return results
    },
  )
}
