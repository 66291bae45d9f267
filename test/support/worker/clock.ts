/**
 * The Worker's clock, stopped and moved by a test. Timers run on.
 */
import { vi } from 'vitest'

/** Milliseconds. */
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
