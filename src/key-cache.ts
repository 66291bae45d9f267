/**
 * Keeps the JWKS in the Cache API, which the isolates of one location share. It only saves a fetch: the Cache API works
 * on custom domains alone, and whatever fails in it counts as a miss.
 */
import { limitTime } from './time-limit'

const READ_TIMEOUT_MS = 500

/** Version 1 used `identity-jwks` also for keys that came through an `ISSUER` binding, which must never be shared. */
const CACHE_NAME = 'identity-jwks-2'

/** A JWKS as the issuer sent it. */
export interface CachedJwks {
  /** Unix milliseconds at which the fetch of the text began. */
  readonly fetchedAt: number
  readonly text: string
}

/** The cached JWKS of a URL. */
export async function readCache(url: string): Promise<CachedJwks | undefined> {
  try {
    return await limitTime(matchCache(url), READ_TIMEOUT_MS, () => undefined)
  } catch {
    return undefined
  }
}

async function matchCache(url: string): Promise<CachedJwks | undefined> {
  const cache = await caches.open(CACHE_NAME)
  const response = await cache.match(url)
  const entry = await response?.json<Partial<CachedJwks>>()
  if (typeof entry?.fetchedAt !== 'number' || typeof entry.text !== 'string') return undefined
  // Another isolate's clock may be ahead. Keys from the future would stay fresh for too long.
  return { fetchedAt: Math.min(entry.fetchedAt, Date.now()), text: entry.text }
}

/** @param maxAgeS seconds after which the cache may drop the entry */
export async function writeCache(url: string, entry: CachedJwks, maxAgeS: number): Promise<void> {
  try {
    const cache = await caches.open(CACHE_NAME)
    const headers = { 'Cache-Control': `max-age=${maxAgeS}` }
    await cache.put(url, Response.json(entry, { headers }))
  } catch {
    // The next cold isolate asks the issuer itself.
  }
}
