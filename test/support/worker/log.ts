/**
 * The lines that the Worker writes, caught while a test runs, so that it can ask for the one of a request.
 */
import { vi } from 'vitest'

/** A request's line, as an operator reads it. */
export interface LogLine {
  readonly message: 'request'
  readonly requestID: string
  readonly transport: 'http' | 'rpc'
  readonly method?: string
  readonly route?: string
  readonly status: number
  readonly error?: string
  readonly reason?: string
  readonly frames?: readonly string[]
  readonly durationMs: number
  readonly actor?: { readonly kind?: string; readonly subject: string }
  readonly scope?: { readonly organizationID: string; readonly userID: string }
  readonly groupsRemoved?: number
  readonly database?: {
    readonly attempts: number
    readonly sqlMs?: number
    readonly rowsRead?: number
    readonly rowsWritten?: number
  }
  readonly traceID?: string
}

let texts: string[] = []

/** Starts anew, and catches what is written from now on. */
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

/** Everything that was written, as text. */
export function readLog(): readonly string[] {
  return texts
}

/** The request lines that were written. */
export function readLines(): LogLine[] {
  return texts
    .map((text) => JSON.parse(text) as LogLine)
    .filter((line) => line.message === 'request')
}
