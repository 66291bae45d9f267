/**
 * The Worker's clock, stopped and moved by hand. Timers run on; only what time it is, is a test's to say.
 */
import { vi } from 'vitest'

/** A length of time in milliseconds. */
export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE

/** Stops the clock at a whole second. */
export function stopClock(): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Math.floor(Date.now() / SECOND) * SECOND })
}

/** Moves the stopped clock. */
export function passTime(ms: number): void {
  vi.setSystemTime(Date.now() + ms)
}
