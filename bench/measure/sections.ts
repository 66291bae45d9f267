/** The sections of a run, and how large each is: whole, or quick. */
import { type ColdResult, measureCold } from './cold.ts'
import {
  type CoreResult,
  type CoreSize,
  type LimitResult,
  type LimitSize,
  measureCore,
  measureLimit,
} from './core.ts'
import { type CountsResult, measureCounts } from './counts.ts'
import { type DistanceResult, measureDistance } from './distance.ts'
import { type GrowthResult, type GrowthSize, measureGrowth } from './growth.ts'
import { type KeysResult, measureKeys } from './keys.ts'
import { measureSize, type SizeResult } from './size.ts'

/** What a run has found; a part of it where only some sections ran. */
export interface Sections {
  readonly limit?: LimitResult
  readonly core?: CoreResult
  readonly counts?: CountsResult
  readonly growth?: GrowthResult
  readonly distance?: readonly DistanceResult[]
  readonly cold?: readonly ColdResult[]
  readonly keys?: readonly KeysResult[]
  readonly size?: readonly SizeResult[]
}

export type SectionName = keyof Sections

interface Section<Name extends SectionName> {
  readonly measure: (quick: boolean) => Promise<NonNullable<Sections[Name]>>
}

const coreSize = (quick: boolean): CoreSize =>
  quick
    ? { warmUp: 48, rounds: 144, concurrentBlocks: 1, cpuBlocks: 1 }
    : { warmUp: 960, rounds: 2_880, concurrentBlocks: 12, cpuBlocks: 18 }

const limitSize = (quick: boolean): LimitSize =>
  quick
    ? { warmUp: 72, rounds: 192, cpuBlocks: 1 }
    : { warmUp: 1_920, rounds: 5_760, cpuBlocks: 24 }

/** A user in a thousand groups takes long to invite, so that row has fewer rounds. */
const growthSize = (quick: boolean): GrowthSize =>
  quick
    ? {
        populations: [10, 10_000],
        rounds: {
          populations: { warmUp: 24, rounds: 72 },
          targetGroups: { warmUp: 24, rounds: 24 },
          callerGroups: { warmUp: 24, rounds: 48 },
        },
      }
    : {
        populations: [10, 10_000, 1_000_000],
        rounds: {
          populations: { warmUp: 480, rounds: 1_800 },
          targetGroups: { warmUp: 480, rounds: 300 },
          callerGroups: { warmUp: 480, rounds: 900 },
        },
      }

export const SECTIONS: { readonly [Name in SectionName]: Section<Name> } = {
  limit: { measure: (quick) => measureLimit(limitSize(quick)) },
  core: { measure: (quick) => measureCore(coreSize(quick)) },
  counts: { measure: () => measureCounts() },
  growth: { measure: (quick) => measureGrowth(growthSize(quick)) },
  distance: {
    measure: (quick) =>
      quick
        ? measureDistance(96, { 0: 40, 5: 10, 30: 5, 150: 1 })
        : measureDistance(960, { 0: 300, 5: 150, 30: 60, 150: 20 }),
  },
  cold: { measure: (quick) => measureCold(quick ? 8 : 25) },
  keys: { measure: (quick) => measureKeys(quick ? 500 : 10_000) },
  size: {
    measure: (quick) =>
      measureSize(quick ? { repetitions: 1, isolates: 8 } : { repetitions: 5, isolates: 24 }),
  },
}
