/**
 * This project against the minimum, on warm isolates: few kinds and many rounds, so that a ratio can be read to a
 * percent. To measure a setting, add a kind with its `vars`, `options` and requests, and with the goal in `atMost`.
 */
import { compareAll, summarizeAll } from '../support/statistics.ts'
import { measureCPU } from './cpu.ts'
import { checkSameResponse, type Kinds, withKinds } from './kinds.ts'
import { anyCall, deletion, refusedToken } from './requests.ts'
import { type RoundsResult, runRounds, warmUp } from './rounds.ts'

const WARM: Kinds = {
  nothing: { worker: 'nothing', ...anyCall },
  'minimum refusal': { worker: 'minimum refusal', ...refusedToken },
  'refused token': {
    worker: 'this project',
    ...refusedToken,
    atMost: { 'minimum refusal': 1.12 },
  },
  'refused token again': { worker: 'this project', ...refusedToken, against: ['refused token'] },
  'barest batch': { worker: 'barest batch', ...deletion() },
  'minimum deletion': { worker: 'minimum deletion', ...deletion() },
  deletion: {
    worker: 'this project',
    ...deletion(),
    atMost: { 'minimum deletion': 1.1, 'barest batch': 1.25 },
  },
  'deletion again': { worker: 'this project', ...deletion(), against: ['deletion'] },
}

const FULL = { warmUp: 1_920, rounds: 5_760, cpuBlocks: 24 }
const QUICK = { warmUp: 96, rounds: 288, cpuBlocks: 1 }

export function measureWarm(quick: boolean): Promise<RoundsResult> {
  const size = quick ? QUICK : FULL
  return withKinds(WARM, async (running, pid) => {
    await checkSameResponse(running, 'refused token', 'minimum refusal')
    await checkSameResponse(running, 'deletion', 'minimum deletion')
    await warmUp(running, size.warmUp)
    const times = await runRounds('one at a time', running, size.rounds)
    return {
      summaries: summarizeAll(times),
      ratios: compareAll(WARM, times),
      cpu: await measureCPU(running, pid, size.cpuBlocks),
    }
  })
}
