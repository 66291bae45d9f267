/** The sections of a run, and how large each is: whole, or quick. */
import { type ColdResult, measureCold } from './cold.ts'
import { type CoreResult, type CoreSize, measureCore } from './core.ts'
import { type CountsResult, measureCounts } from './counts.ts'
import { type DistanceResult, measureDistance } from './distance.ts'
import { type GrowthResult, type GrowthSize, measureGrowth } from './growth.ts'
import { type KeysResult, measureKeys } from './keys.ts'
import { measureSize, type SizeResult } from './size.ts'

/** What a run has found; a part of it where only some sections ran. */
export interface Sections {
  readonly core?: CoreResult
  readonly limit?: CoreResult
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
  /** A selection out of another section, for tuning. */
  readonly onlyOnDemand?: true
}

const coreSize = (quick: boolean): CoreSize =>
  quick
    ? { warmUp: 240, rounds: 384, concurrentBlocks: 2, cpuBlocks: 2 }
    : { warmUp: 1_920, rounds: 3_840, concurrentBlocks: 12, cpuBlocks: 18 }

const limitSize = (quick: boolean): CoreSize =>
  quick
    ? { warmUp: 960, rounds: 1_440, concurrentBlocks: 1, cpuBlocks: 12 }
    : { warmUp: 1_920, rounds: 7_680, concurrentBlocks: 6, cpuBlocks: 36 }

/** A user in a thousand groups takes long to invite, so that row has fewer rounds. */
const growthSize = (quick: boolean): GrowthSize =>
  quick
    ? {
        populations: [10, 10_000],
        rounds: {
          populations: { warmUp: 90, rounds: 120 },
          targetGroups: { warmUp: 30, rounds: 36 },
          callerGroups: { warmUp: 60, rounds: 60 },
        },
      }
    : {
        populations: [10, 10_000, 1_000_000],
        rounds: {
          populations: { warmUp: 900, rounds: 1_800 },
          targetGroups: { warmUp: 150, rounds: 300 },
          callerGroups: { warmUp: 450, rounds: 900 },
        },
      }

export const SECTIONS: { readonly [Name in SectionName]: Section<Name> } = {
  core: { measure: (quick) => measureCore(coreSize(quick), false) },
  limit: { measure: (quick) => measureCore(limitSize(quick), true), onlyOnDemand: true },
  counts: { measure: () => measureCounts() },
  growth: { measure: (quick) => measureGrowth(growthSize(quick)) },
  distance: {
    measure: (quick) =>
      quick
        ? measureDistance(10, { 0: 40, 5: 10, 30: 5, 150: 1 })
        : measureDistance(100, { 0: 300, 5: 150, 30: 60, 150: 20 }),
  },
  cold: { measure: (quick) => measureCold(quick ? 8 : 25) },
  keys: { measure: (quick) => measureKeys(quick ? 1_000 : 10_000) },
  size: { measure: (quick) => measureSize(quick ? 1 : 5) },
}
