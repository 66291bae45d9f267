/** The sections of a run. */
import { measureAlternatives } from './alternatives.ts'
import { measureCold } from './cold.ts'
import { measureCounts } from './counts.ts'
import { measureDistance } from './distance.ts'
import { measureGrowth } from './growth.ts'
import { measureSettings } from './settings.ts'
import { measureStart } from './start.ts'
import { measureWarm } from './warm.ts'

export const SECTIONS = {
  warm: measureWarm,
  settings: measureSettings,
  cold: measureCold,
  start: measureStart,
  counts: measureCounts,
  alternatives: measureAlternatives,
  growth: measureGrowth,
  distance: measureDistance,
} as const

export type SectionName = keyof typeof SECTIONS

/** What a run measured. */
export type Sections = {
  readonly [Name in SectionName]: Awaited<ReturnType<(typeof SECTIONS)[Name]>>
}
