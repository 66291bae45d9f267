/** What the times of a run come to: medians, tails, and ratios with their spread. All times are milliseconds. */
import { quantile } from 'simple-statistics'

export interface Summary {
  readonly requests: number
  readonly p50: number
  readonly p99: number
}

export interface Ratio {
  /** The median of one kind of request over the median of the other, over the whole run. */
  readonly ratio: number
  /** The same ratio in blocks of consecutive rounds: its 5th and 95th percentile. */
  readonly low: number
  readonly high: number
}

const BLOCKS = 20

export function summarize(times: readonly number[]): Summary {
  if (times.length === 0) throw new Error('nothing was measured')
  return { requests: times.length, p50: quantile([...times], 0.5), p99: quantile([...times], 0.99) }
}

export function median(values: readonly number[]): number {
  return quantile([...values], 0.5)
}

/** How many times as long `times` took as `base`, both measured in the same rounds, though perhaps not in all of them. */
export function compare(times: readonly number[], base: readonly number[]): Ratio {
  const blocks = Math.min(BLOCKS, times.length, base.length)
  const ratios = Array.from(
    { length: blocks },
    (_, index) => median(cut(times, index, blocks)) / median(cut(base, index, blocks)),
  )
  return {
    ratio: median(times) / median(base),
    low: quantile(ratios, 0.05),
    high: quantile(ratios, 0.95),
  }
}

function cut(values: readonly number[], index: number, blocks: number): number[] {
  const size = values.length / blocks
  return values.slice(Math.floor(index * size), Math.floor((index + 1) * size))
}
