/**
 * Kinds of requests in turns, on one stage and the same warm isolates: one at a time, then what CPU each takes. The limit
 * has few kinds and many rounds, so that a ratio of some percent can be read; the core has every Worker that one could
 * choose, also 16 at once.
 */
import { canReadProcessCPU } from '../rig/process-cpu.ts'
import { BETTER_AUTH_DATABASE, withStage } from '../rig/stage.ts'
import { compare, type Ratio, type Summary, summarize } from '../rig/statistics.ts'
import { type ConcurrentResult, runConcurrently } from './concurrent.ts'
import {
  compareAnswers,
  createKinds,
  ISOLATES,
  listNames,
  type Name,
  PARTS,
  PEOPLE,
  setUpPart,
} from './core-kinds.ts'
import { type CPUResult, measureCPU } from './cpu.ts'
import { type Kind, type Rounds, runRounds } from './rounds.ts'
import { warmUp } from './warm.ts'

const POPULATION = 10_000

export interface LimitSize extends Rounds {
  readonly cpuBlocks: number
}

export interface CoreSize extends LimitSize {
  readonly concurrentBlocks: number
}

export interface LimitResult {
  readonly population: number
  readonly rounds: number
  readonly isolates: number
  readonly summaries: Readonly<Record<string, Summary>>
  readonly ratios: Readonly<Record<string, Ratio>>
  /** Absent where the system does not tell. */
  readonly cpu?: CPUResult
}

export interface CoreResult extends LimitResult {
  readonly concurrent: ConcurrentResult
}

type Pair = readonly [what: Name, against: Name]

const LIMIT_RATIOS: readonly Pair[] = [
  ['deletion', 'least deletion'],
  ['deletion', 'barest batch'],
  ['refused token', 'least refusal'],
  ['deletion again', 'deletion'],
  ['refused token again', 'refused token'],
]

const CORE_RATIOS: readonly Pair[] = [
  ['tutorial deletion', 'deletion'],
  ['tutorial deletion, keys given', 'deletion'],
  ['better-auth removal', 'deletion'],
  ['deletion by RPC', 'deletion'],
  ['deletion by bound fetch', 'deletion'],
]

/** This project against the least that can be. */
export async function measureLimit(size: LimitSize): Promise<LimitResult> {
  return withKinds('limit', async (kinds, pid) => {
    await compareAnswers(kinds, 'refused token', 'least refusal')
    await compareAnswers(kinds, 'deletion', 'least deletion')
    return {
      ...(await measureTurns(kinds, size, LIMIT_RATIOS)),
      ...(await readCPU(kinds, pid, size)),
    }
  })
}

/** This project by each of its doors and outcomes, against what one could choose instead. */
export async function measureCore(size: CoreSize): Promise<CoreResult> {
  return withKinds('core', async (kinds, pid) => ({
    ...(await measureTurns(kinds, size, CORE_RATIOS)),
    concurrent: await runConcurrently(
      kinds.filter(({ name }) => 'concurrent' in PARTS[name as Name]),
      size.concurrentBlocks,
    ),
    ...(await readCPU(kinds, pid, size)),
  }))
}

async function withKinds<T>(
  section: 'limit' | 'core',
  use: (kinds: readonly Kind[], pid: number) => Promise<T>,
): Promise<T> {
  const names = listNames(section)
  return withStage(
    {
      run: section,
      databases: [
        { name: 'main', population: POPULATION, people: PEOPLE },
        { name: BETTER_AUTH_DATABASE, population: 0, people: PEOPLE },
      ],
      workers: async ({ variables }) =>
        (await Promise.all(names.map((name) => setUpPart(name, variables)))).flat(),
    },
    async (stage) => use(await createKinds(names, stage), stage.runtime.pid),
  )
}

async function measureTurns(
  kinds: readonly Kind[],
  size: Rounds,
  pairs: readonly Pair[],
): Promise<LimitResult> {
  await warmUp(kinds, size.warmUp)
  const times = await runRounds('one at a time', kinds, size.rounds)
  return {
    population: POPULATION,
    rounds: size.rounds,
    isolates: ISOLATES,
    summaries: Object.fromEntries([...times].map(([name, all]) => [name, summarize(all)])),
    ratios: Object.fromEntries(
      pairs.map(([name, base]) => [
        `${name} / ${base}`,
        compare(times.get(name)!, times.get(base)!),
      ]),
    ),
  }
}

async function readCPU(
  kinds: readonly Kind[],
  pid: number,
  { cpuBlocks }: LimitSize,
): Promise<Pick<LimitResult, 'cpu'>> {
  return canReadProcessCPU(pid) ? { cpu: await measureCPU(kinds, pid, cpuBlocks) } : {}
}
