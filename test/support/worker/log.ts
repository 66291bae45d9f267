/**
 * Catches the lines that the Worker logs while a test runs.
 */
import { vi } from 'vitest'
import type { RequestLine } from '../../../src/log'

/** The line of a request, as an operator reads it. */
export interface LogLine extends RequestLine {
  readonly message: 'request'
  readonly status: number
  readonly error?: string
  readonly reason?: string
  readonly frames?: readonly string[]
  readonly durationMs: number
}

let texts: string[] = []

/** Forgets all lines, and catches new ones from now on. */
export function catchLog(): void {
  texts = []
  const { log } = console
  for (const level of ['log', 'warn', 'error', 'info', 'debug'] as const) {
    vi.spyOn(console, level).mockImplementation((...values: unknown[]) => {
      const [text] = values
      if (typeof text === 'string' && text.startsWith('{"message":')) texts.push(text)
      else log(...values)
    })
  }
}

/** All lines as text. */
export function readLog(): readonly string[] {
  return texts
}

/** The lines of requests. */
export function readLines(): LogLine[] {
  const lines = texts.map((text) => JSON.parse(text) as LogLine)
  return lines.filter(({ message }) => message === 'request')
}
