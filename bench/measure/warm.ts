/**
 * This project against the minimum, on warm isolates: few kinds and many rounds, so that a ratio can be read to a
 * percent.
 */
import { compareAll, summarizeAll } from '../support/statistics.ts'
import { measureCPU } from './cpu.ts'
import { checkSameResponse, type Kinds, withKinds } from './kinds.ts'
import { anyCall, deletion, refusedToken } from './requests.ts'
import { type Rounds, type RoundsResult, runRounds, warmUp } from './rounds.ts'

const ours = { worker: 'this project' } as const

const WARM: Kinds = {
  nothing: { worker: 'nothing', ...anyCall },
  'minimum refusal': { worker: 'minimum refusal', ...refusedToken },
  'refused token': { ...ours, ...refusedToken, atMost: { 'minimum refusal': 1.12 } },
  'refused token again': { ...ours, ...refusedToken, against: ['refused token'] },
  'barest batch': { worker: 'barest batch', ...deletion() },
  'minimum deletion': { worker: 'minimum deletion', ...deletion() },
  deletion: {
    ...ours,
    ...deletion(),
    atMost: { 'minimum deletion': 1.1, 'barest batch': 1.25 },
  },
  'deletion again': { ...ours, ...deletion(), against: ['deletion'] },
}

/** Kinds that respond alike, byte for byte. */
const ALIKE = [
  ['refused token', 'minimum refusal'],
  ['deletion', 'minimum deletion'],
] as const

const FULL = { warmUp: 1_920, rounds: 5_760, cpuBlocks: 24 }
const QUICK = { warmUp: 72, rounds: 192, cpuBlocks: 1 }

export const measureWarm = (quick: boolean): Promise<RoundsResult> =>
  measureKinds(WARM, quick ? QUICK : FULL, ALIKE)

/** Times the kinds in rounds, and measures the CPU of each. */
export function measureKinds(
  kinds: Kinds,
  size: Rounds & { readonly cpuBlocks: number },
  alike: readonly (readonly [string, string])[] = [],
): Promise<RoundsResult> {
  return withKinds(kinds, async (running, pid) => {
    for (const pair of alike) await checkSameResponse(running, ...pair)
    await warmUp(running, size.warmUp)
    const times = await runRounds('one at a time', running, size.rounds)
    return {
      summaries: summarizeAll(times),
      ratios: compareAll(kinds, times),
      cpu: await measureCPU(running, pid, size.cpuBlocks),
    }
  })
}
