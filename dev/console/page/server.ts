/**
 * Asks the page's own server for the settings, the database and tokens that need no sign-in. call.ts calls the Worker.
 */
import type { ReadyMadeToken, Settings, Snapshot } from '../protocol.ts'

const TIMEOUT_MS = 5_000

/** What the page needs to know about the local stack. */
export const fetchSettings = () => ask<Settings>('GET', '/settings')

/** The database as it is now. */
export const fetchSnapshot = () => ask<Snapshot>('GET', '/snapshot')

/** A token that a person cannot get by signing in. */
export async function fetchReadyMadeToken(kind: ReadyMadeToken): Promise<string> {
  return (await ask<{ token: string }>('POST', `/tokens/${kind}`)).token
}

async function ask<T>(method: string, path: string): Promise<T> {
  let response: Response
  try {
    response = await fetch(path, { method, signal: AbortSignal.timeout(TIMEOUT_MS) })
  } catch (cause) {
    throw new Error('the local stack does not respond. Start it again with "npm start".', { cause })
  }
  if (!response.ok) {
    throw new Error(`${method} ${path} failed with ${response.status}. ${await response.text()}`)
  }
  return (await response.json()) as T
}
