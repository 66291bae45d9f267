/**
 * The core: every Worker and every kind of request on one stage. One at a time, then 16 at once, then what CPU each
 * takes, all on the same warm isolates.
 */
import { canReadProcessCPU } from '../rig/process-cpu.ts'
import { BETTER_AUTH_DATABASE, withStage } from '../rig/stage.ts'
import { compare, type Ratio, type Summary, summarize } from '../rig/statistics.ts'
import { type ConcurrentResult, runConcurrently } from './concurrent.ts'
import {
  compareAnswers,
  createKinds,
  ISOLATES,
  isLimit,
  type Name,
  PARTS,
  PEOPLE,
  setUpPart,
} from './core-kinds.ts'
import { type CPUResult, measureCPU } from './cpu.ts'
import { type Rounds, runRounds } from './rounds.ts'
import { warmUp } from './warm.ts'

const POPULATION = 10_000

export interface CoreSize extends Rounds {
  readonly concurrentBlocks: number
  readonly cpuBlocks: number
}

export interface CoreResult {
  readonly population: number
  readonly rounds: number
  readonly isolates: number
  readonly summaries: Readonly<Record<string, Summary>>
  readonly ratios: Readonly<Record<string, Ratio>>
  readonly concurrent: ConcurrentResult
  /** Absent where the system does not tell. */
  readonly cpu?: CPUResult
}

/** Ratios that are read out of a run: what over what. */
const RATIOS = [
  ['deletion', 'least deletion'],
  ['deletion', 'barest batch'],
  ['refused token', 'least refusal'],
  ['least refusal, by jose', 'least refusal'],
  ['refused token', 'least refusal, by jose'],
  ['batch alone', 'barest batch'],
  ['tutorial deletion', 'deletion'],
  ['tutorial deletion, keys given', 'deletion'],
  ['better-auth removal', 'deletion'],
  ['deletion again', 'deletion'],
  ['refused token again', 'refused token'],
] as const satisfies readonly (readonly [Name, Name])[]

/** @param onlyLimit measures the limit and the project alone: quick, for tuning */
export async function measureCore(size: CoreSize, onlyLimit: boolean): Promise<CoreResult> {
  const names = (Object.keys(PARTS) as Name[]).filter((name) => !onlyLimit || isLimit(name))
  return withStage(
    {
      run: 'core',
      databases: [
        { name: 'main', population: POPULATION, people: PEOPLE },
        { name: BETTER_AUTH_DATABASE, population: 0, people: PEOPLE },
      ],
      workers: async ({ variables }) =>
        (await Promise.all(names.map((name) => setUpPart(name, variables)))).flat(),
    },
    async (stage) => {
      const kinds = await createKinds(names, stage)
      await compareAnswers(kinds, 'refused token', 'least refusal')
      await compareAnswers(kinds, 'refused token', 'least refusal, by jose')
      await compareAnswers(kinds, 'deletion', 'least deletion')
      await warmUp(kinds, size.warmUp)
      const times = await runRounds('one at a time', kinds, size.rounds)
      const { pid } = stage.runtime
      return {
        population: POPULATION,
        rounds: size.rounds,
        isolates: ISOLATES,
        summaries: Object.fromEntries([...times].map(([name, all]) => [name, summarize(all)])),
        ratios: Object.fromEntries(
          RATIOS.filter((pair) => pair.every((name) => times.has(name))).map(([name, base]) => [
            `${name} / ${base}`,
            compare(times.get(name)!, times.get(base)!),
          ]),
        ),
        concurrent: await runConcurrently(
          kinds.filter(({ name }) => 'concurrent' in PARTS[name as Name]),
          size.concurrentBlocks,
        ),
        ...(canReadProcessCPU(pid) && { cpu: await measureCPU(kinds, pid, size.cpuBlocks) }),
      }
    },
  )
}
