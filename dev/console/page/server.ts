/**
 * Requests to the page's own server. call.ts calls the Worker.
 */
import type { Settings, Snapshot } from '../protocol.ts'

const TIMEOUT_MS = 5_000

export const fetchSettings = () => request<Settings>('GET', '/settings')

export const fetchSnapshot = () => request<Snapshot>('GET', '/snapshot')

/** Gets a token that a person cannot get by signing in. */
export const fetchToken = (kind: 'expired' | 'service-account') =>
  request<{ readonly token: string }>('POST', `/tokens/${kind}`)

async function request<T>(method: string, path: string): Promise<T> {
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
