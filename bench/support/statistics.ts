/** Medians, tails, and ratios with their spread. All times are milliseconds. */
import { median, quantile } from 'simple-statistics'

export interface Summary {
  readonly requests: number
  readonly p50: number
  readonly p99: number
}

export interface Ratio {
  /** Median over median of the whole run. */
  readonly ratio: number
  /** 5th and 95th percentile of the same ratio in blocks of consecutive rounds. */
  readonly low: number
  readonly high: number
  /** The goal, if there is one. */
  readonly atMost?: number
}

export type Ratios = Readonly<Record<string, Ratio>>

/** The times of each kind of request, in the order of the rounds. */
export type Series = ReadonlyMap<string, readonly number[]>

/** What a kind of request is compared with. */
export interface Comparison {
  /** Kinds to compare with, without a goal. */
  readonly against?: readonly string[]
  /** Kinds to compare with, each with the goal: the highest ratio. */
  readonly atMost?: Readonly<Record<string, number>>
}

const MAX_BLOCKS = 20
/** The ratio of a smaller block would depend on single values. */
const MIN_BLOCK = 5

export function summarize(times: readonly number[]): Summary {
  if (times.length === 0) throw new Error('nothing was measured')
  return { requests: times.length, p50: median([...times]), p99: quantile([...times], 0.99) }
}

export function summarizeAll(series: Series): Readonly<Record<string, Summary>> {
  return Object.fromEntries([...series].map(([name, times]) => [name, summarize(times)]))
}

/** The ratio of `times` to `base` of the same run. NaN if `base` is noise alone, and so not positive. */
export function compare(times: readonly number[], base: readonly number[]): Ratio {
  const shorter = Math.min(times.length, base.length)
  const blocks = Math.min(MAX_BLOCKS, Math.max(1, Math.floor(shorter / MIN_BLOCK)))
  const ratios = Array.from({ length: blocks }, (_, index) =>
    divide(cut(times, index, blocks), cut(base, index, blocks)),
  )
  return {
    ratio: divide(times, base),
    low: quantile(ratios, 0.05),
    high: quantile(ratios, 0.95),
  }
}

function divide(times: readonly number[], base: readonly number[]): number {
  const divisor = median([...base])
  return divisor > 0 ? median([...times]) / divisor : NaN
}

function cut(values: readonly number[], index: number, blocks: number): number[] {
  const size = values.length / blocks
  return values.slice(Math.floor(index * size), Math.floor((index + 1) * size))
}

/** All ratios that the kinds ask for, by the names of both kinds. */
export function compareAll(kinds: Readonly<Record<string, Comparison>>, series: Series): Ratios {
  const ratios: Record<string, Ratio> = {}
  for (const [name, { against = [], atMost = {} }] of Object.entries(kinds)) {
    const add = (base: string, goal = {}) => {
      const ratio = compare(series.get(name)!, series.get(base)!)
      ratios[`${name} / ${base}`] = { ...ratio, ...goal }
    }
    for (const [base, limit] of Object.entries(atMost)) add(base, { atMost: limit })
    for (const base of against) add(base)
  }
  return ratios
}
