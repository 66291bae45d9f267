/**
 * Chance that a seed repeats: numbers, and orders in which things happen.
 */
import { integer, sample, tuple } from 'fast-check'

/** What can be drawn. */
export interface Draw {
  /** So many whole numbers, each from 0 to below `limit`. */
  numbers(count: number, limit: number): number[]
  /** The lanes mixed into one order, which keeps the order within each. */
  mix<T>(lanes: readonly (readonly T[])[]): T[]
}

/** A source that gives the same for the same seed. */
export function createDraw(seed: number): Draw {
  let drawn = 0
  function numbers(count: number, limit: number): number[] {
    const arbitrary = integer({ min: 0, max: limit - 1 })
    const all = tuple(...Array.from({ length: count }, () => arbitrary))
    drawn += 1
    return sample(all, { seed: seed + drawn, numRuns: 1 })[0] ?? []
  }
  return {
    numbers,
    mix(lanes) {
      const placed = lanes.flatMap((items) => {
        const places = numbers(items.length, 1_000_000).toSorted((a, b) => a - b)
        return items.map((item, index) => ({ item, place: places[index] ?? 0 }))
      })
      return placed.toSorted((a, b) => a.place - b.place).map(({ item }) => item)
    },
  }
}
