/**
 * Where does the time go? `npm run profile --prefix bench -- deletion|refusal` profiles this project beside the least that
 * does the same, unminified, and writes `bench/results/*.cpuprofile` for DevTools. Sampling itself costs time: read
 * shares here, and times from the measurements.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CATALOGUE, setUp } from './measure/catalogue.ts'
import { attempts, issueTokens, removals } from './measure/requests.ts'
import { time } from './rig/client.ts'
import { profileWorker, sumSelfTimes } from './rig/inspector.ts'
import { RESULTS } from './rig/paths.ts'
import { cleanUpAtExit } from './rig/runtime.ts'
import { withStage } from './rig/stage.ts'

const REQUESTS = 3_000
const WARM_UP = 1_500
const BLOCK = 100
const SHOWN = 25

const PAIRS = {
  deletion: ['leastDeletion', 'identity'],
  refusal: ['leastRefusal', 'identity'],
} as const

const what = process.argv[2] as keyof typeof PAIRS
if (!(what in PAIRS)) {
  console.error('npm run profile --prefix bench -- deletion|refusal')
  process.exit(2)
}

cleanUpAtExit()
await withStage(
  {
    run: 'profile',
    databases: [{ name: 'main', population: 10_000, people: 2 * BLOCK }],
    workers: ({ variables }) =>
      Promise.all(
        PAIRS[what].map((key) =>
          setUp(key, { name: key, database: 'main', variables }, { minify: false }),
        ),
      ),
    inspect: true,
  },
  async ({ runtime, issuer, inviteTo }) => {
    const tokens = await issueTokens(issuer)
    const isDeletion = what === 'deletion'
    const prepare = isDeletion
      ? removals(inviteTo('main'), tokens.administrator)
      : attempts(tokens.badSignature)
    const run = async (worker: string, requests: number) => {
      for (let sent = 0; sent < requests; sent += BLOCK) {
        for (const spec of await prepare(BLOCK)) {
          await time(runtime.originOf(worker), spec, isDeletion ? 200 : 401)
        }
      }
    }
    mkdirSync(RESULTS, { recursive: true })
    for (const key of PAIRS[what]) {
      await run(key, WARM_UP)
      const profile = await profileWorker(runtime, key, () => run(key, REQUESTS))
      const file = `${what}-${key}.cpuprofile`
      writeFileSync(join(RESULTS, file), JSON.stringify(profile))
      console.log(`\n${what}, ${CATALOGUE[key].title}: µs a request itself (bench/results/${file})`)
      for (const [name, microseconds] of sumSelfTimes(profile).slice(0, SHOWN)) {
        console.log(`${(microseconds / REQUESTS).toFixed(1).padStart(8)}  ${name}`)
      }
    }
  },
)
