/**
 * One delivery: signs the event, sends it, reads the response and chooses the delay until the next attempt.
 */
import { signSecurityEventToken, signWebhook, type DeletionEvent, type Signed } from './sign'

/** What wrangler.toml and `wrangler secret put` set; README.md explains each. */
export type ListenerEnv = Readonly<Partial<Record<Setting, string>>> & {
  readonly TIMEOUT_SECONDS?: number
  readonly DEAD_LETTERS?: Queue
}
type Setting = 'WEBHOOK_URL' | 'WEBHOOK_SECRET' | 'SET_PRIVATE_KEY' | 'SET_ISSUER' | 'SET_AUDIENCE'

/** Causes of a failed delivery beside an invalid setting. README.md explains each. */
export const CAUSES = [
  'receiver_failed',
  'receiver_redirects',
  'timeout',
  'connection_failed',
  'receiver_gone',
  'token_refused',
  'event_without_subject',
  'event_malformed',
] as const

export interface Failure {
  readonly cause: (typeof CAUSES)[number] | `configuration:${Setting | 'TIMEOUT_SECONDS'}`
  readonly status?: number
  /** Seconds that the receiver asks to wait. */
  readonly retryAfter?: number
  /** No further attempt can deliver the event. */
  readonly isFinal?: boolean
}

/** Printable ASCII without the dot, which separates what Standard Webhooks signs. */
const EVENT_ID = /^[!-\-/-~]{1,255}$/
const FIRST_DELAY_S = 5
const LONGEST_DELAY_S = 12 * 3_600
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Delivers the body of a message. Returns undefined if the receiver responds with 2xx in time, else the failure. */
export async function deliver(body: unknown, env: ListenerEnv): Promise<Failure | undefined> {
  const { WEBHOOK_URL = '', TIMEOUT_SECONDS: seconds = 15 } = env
  if (!isEvent(body)) return { cause: 'event_malformed', isFinal: true }
  if (!isSafe(WEBHOOK_URL)) return { cause: 'configuration:WEBHOOK_URL' }
  if (!(seconds > 0 && seconds <= 60)) return { cause: 'configuration:TIMEOUT_SECONDS' }
  const signed = await sign(body, env)
  if ('cause' in signed) return signed
  const signal = AbortSignal.timeout(seconds * 1_000)
  const init: RequestInit = { method: 'POST', ...signed, redirect: 'manual', signal }
  try {
    const response = await fetch(WEBHOOK_URL, init)
    await response.body?.cancel()
    return findFailure(response, env)
  } catch {
    return { cause: signal.aborted ? 'timeout' : 'connection_failed' }
  }
}

function isEvent(body: unknown): body is DeletionEvent {
  const { specversion, id } = Object(body) as Partial<DeletionEvent>
  return specversion === '1.0' && typeof id === 'string' && EVENT_ID.test(id)
}

function isSafe(address: string): boolean {
  const url = URL.parse(address)
  if (url === null || url.username !== '' || url.password !== '') return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.has(url.hostname))
}

async function sign(event: DeletionEvent, env: ListenerEnv): Promise<Signed | Failure> {
  const { WEBHOOK_SECRET = '', SET_PRIVATE_KEY, SET_ISSUER: issuer, SET_AUDIENCE: audience } = env
  try {
    if (!SET_PRIVATE_KEY) return signWebhook(event, WEBHOOK_SECRET)
    if (!issuer) return { cause: 'configuration:SET_ISSUER' }
    if (!audience) return { cause: 'configuration:SET_AUDIENCE' }
    if (!event.subject?.isWellFormed()) return { cause: 'event_without_subject', isFinal: true }
    return await signSecurityEventToken(event, SET_PRIVATE_KEY, { issuer, audience })
  } catch {
    return { cause: `configuration:${SET_PRIVATE_KEY ? 'SET_PRIVATE_KEY' : 'WEBHOOK_SECRET'}` }
  }
}

/** Every status but 2xx is a failure, and 410 is final (Standard Webhooks, "Delivery success and failure"). */
function findFailure({ ok, status, headers }: Response, env: ListenerEnv): Failure | undefined {
  if (ok) return undefined
  const isFinal = true
  if (status === 410) return { cause: 'receiver_gone', status, isFinal }
  // The receiver has read this token and rejects it, so it must not get it again (RFC 8935, 2).
  if (status === 400 && env.SET_PRIVATE_KEY) return { cause: 'token_refused', status, isFinal }
  if (status < 400) return { cause: 'receiver_redirects', status }
  const retryAfter = Number(headers.get('Retry-After')) || 0 // a date counts as not set
  return { cause: 'receiver_failed', status, retryAfter }
}

/**
 * Seconds until the next attempt: four times longer after each attempt, or longer if the receiver asks for it. Up to a
 * tenth is added, so that events that failed together are not sent again together.
 */
export function chooseDelay(attempt: number, retryAfter: number): number {
  const delay = Math.max(FIRST_DELAY_S * 4 ** (attempt - 1), retryAfter)
  return Math.round(Math.min(delay, LONGEST_DELAY_S) * (1 + Math.random() / 10))
}
