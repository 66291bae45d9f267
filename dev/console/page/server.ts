/**
 * Asks the page's own server: what the stack is, what the database holds right now, and for tokens that nobody can get
 * by signing in. The Worker is called elsewhere (call.ts).
 */
import type { ReadyMadeToken, Settings, Snapshot } from '../protocol.ts'

/** What the page needs to know of the stack. */
export const fetchSettings = () => ask<Settings>('GET', '/settings')

/** The database as it is right now. */
export const fetchSnapshot = () => ask<Snapshot>('GET', '/snapshot')

/** A token that a person cannot get by signing in. */
export async function fetchReadyMadeToken(kind: ReadyMadeToken): Promise<string> {
  return (await ask<{ token: string }>('POST', `/tokens/${kind}`)).token
}

async function ask<T>(method: string, path: string): Promise<T> {
  let response: Response
  try {
    response = await fetch(path, { method })
  } catch (cause) {
    throw new Error('The local stack does not answer. Is `npm start` still running?', { cause })
  }
  if (!response.ok) throw new Error(`${method} ${path} was answered with ${response.status}`)
  return (await response.json()) as T
}
