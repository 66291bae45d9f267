/**
 * One database in its busiest minutes: it does one thing at a time, in the order of arrival. Requests arrive by chance;
 * on top of them, one caller may clean up an organization with so many requests in flight, each followed by the next.
 */
import { randomExponential, randomLcg } from 'd3-random'
import { mean, quantile } from 'simple-statistics'

export interface QueueOptions {
  readonly seed: number
  /** Requests a second that arrive by chance. */
  readonly rate: number
  /** Seconds that each of them keeps the database busy. */
  readonly serviceS: number
  /** Seconds that each deletion of the cleaning caller keeps it busy. */
  readonly deletionS: number
  /** Requests that the cleaning caller keeps in flight; 0 where there is none. */
  readonly inFlight: number
  readonly durationS: number
}

export interface QueueResult {
  /** Milliseconds from arrival to answer, of those who arrived by chance. */
  readonly p50: number
  readonly p99: number
  readonly mean: number
  /** Requests of the cleaning caller that were answered, a second. */
  readonly cleaned: number
}

export function simulateQueue(options: QueueOptions): QueueResult {
  const { seed, rate, serviceS, deletionS, inFlight, durationS } = options
  const pause = randomExponential.source(randomLcg(seed))(rate)
  const waits: number[] = []
  let cleaned = 0
  let freeAt = 0
  let arrival = pause()
  /** When each of the cleaning caller's requests asked, the oldest first: the next follows the answer at once. */
  const asked: number[] = Array.from({ length: inFlight }, () => 0)
  while (freeAt < durationS) {
    const oldest = asked[0] ?? Infinity
    if (oldest <= arrival) {
      asked.shift()
      freeAt = Math.max(freeAt, oldest) + deletionS
      asked.push(freeAt)
      cleaned += 1
    } else {
      if (arrival >= durationS) break
      freeAt = Math.max(freeAt, arrival) + serviceS
      waits.push((freeAt - arrival) * 1000)
      arrival += pause()
    }
  }
  return {
    p50: quantile(waits, 0.5),
    p99: quantile(waits, 0.99),
    mean: mean(waits),
    cleaned: cleaned / durationS,
  }
}
