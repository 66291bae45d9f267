/**
 * Decides when to fetch the issuer's JWKS: fresh, stale, unknown key, cooldown. Never waits for the issuer while it has
 * valid keys. The keys are the only memory of the isolate.
 */
import type { JWTVerifyGetKey } from 'jose'
import type { Config } from './config'
import { IdentityError } from './errors'
import { fetchJwks, JwksError, readJwks, type PublishedKeys } from './jwks'
import { readCache, writeCache } from './key-cache'
import { createSharedRun } from './shared-run'

const SECOND_MS = 1_000
const FRESH_MS = 10 * 60 * SECOND_MS
const USABLE_MS = 24 * 60 * 60 * SECOND_MS
const COOLDOWN_MS = 30 * SECOND_MS
const RETRY_AFTER_S = 1
/** Longer than the time limits of the cache and of the fetch together. */
const LOAD_LIMIT_MS = 4 * SECOND_MS

/** Registers work that goes on behind the response. */
export type WaitUntil = (promise: Promise<unknown>) => void

/** The keys of one issuer. */
export interface KeySet {
  /**
   * Finds the key for a token, for jose's `jwtVerify`.
   *
   * @throws IdentityError `jwks_unavailable` if there are no keys at all
   */
  findKey(waitUntil: WaitUntil): JWTVerifyGetKey
}

/** Fetches the keys: a service binding, or the network. */
type KeyFetcher = Pick<Fetcher, 'fetch'>

const NETWORK: KeyFetcher = { fetch: (input, init) => fetch(input, init) }

/** One map for each fetcher: the same URL can lead to another issuer through a binding. Its names hold URL and algorithms. */
const keySets = new WeakMap<KeyFetcher, Map<string, KeySet>>()

/** The key set of a configuration: one for all requests of the isolate. */
export function findKeySet({ issuerService, jwksURL, algorithms }: Config): KeySet {
  const fetcher = issuerService ?? NETWORK
  const ofFetcher = keySets.get(fetcher) ?? new Map<string, KeySet>()
  keySets.set(fetcher, ofFetcher)
  const name = `${jwksURL} ${algorithms.join()}`
  const keySet = ofFetcher.get(name) ?? createKeySet(jwksURL, algorithms, fetcher)
  ofFetcher.set(name, keySet)
  return keySet
}

function createKeySet(url: string, algorithms: readonly string[], fetcher: KeyFetcher): KeySet {
  /** All Workers of a zone share the Cache API, and the binding of another Worker can lead to another issuer. */
  const isCached = fetcher === NETWORK
  const loads = createSharedRun(LOAD_LIMIT_MS)
  let keys: PublishedKeys | undefined
  let fetchStartedAt = -Infinity
  let loadFailedAt = -Infinity

  /** Fetches the keys. An invalid response never replaces valid keys. */
  async function fetchKeys(waitUntil: WaitUntil): Promise<void> {
    fetchStartedAt = Date.now()
    try {
      const text = await fetchJwks(url, fetcher)
      keys = await readJwks(text, algorithms, fetchStartedAt)
      const entry = { fetchedAt: fetchStartedAt, text }
      if (isCached) waitUntil(writeCache(url, entry, USABLE_MS / SECOND_MS))
    } catch (error) {
      logRefreshFailure(error)
    }
  }

  /** The keys that another isolate of the location has fetched, if they are usable. */
  async function readCachedKeys(): Promise<PublishedKeys | undefined> {
    const entry = isCached ? await readCache(url) : undefined
    if (entry === undefined || !isUsable(entry)) return undefined
    try {
      return await readJwks(entry.text, algorithms, entry.fetchedAt)
    } catch {
      return undefined // for example no key for the algorithms of this configuration
    }
  }

  async function loadKeys(waitUntil: WaitUntil): Promise<void> {
    keys = (await readCachedKeys()) ?? keys
    if (!isUsable(keys)) await fetchKeys(waitUntil)
    if (!isUsable(keys)) loadFailedAt = Date.now()
  }

  function mayFetch(): boolean {
    return Date.now() - fetchStartedAt >= COOLDOWN_MS
  }

  async function findKeys(keyID: unknown, waitUntil: WaitUntil): Promise<PublishedKeys> {
    const hasJustFailed = Date.now() - loadFailedAt < RETRY_AFTER_S * SECOND_MS
    if (!isUsable(keys) && !hasJustFailed) await loads.join(() => loadKeys(waitUntil))
    if (!isUsable(keys)) throw new IdentityError('jwks_unavailable', { retryAfter: RETRY_AFTER_S })
    if (typeof keyID === 'string' && !keys.keyIDs.has(keyID)) {
      if (loads.isRunning() || mayFetch()) await loads.join(() => fetchKeys(waitUntil))
    } else if (Date.now() - keys.fetchedAt >= FRESH_MS && !loads.isRunning() && mayFetch()) {
      waitUntil(loads.join(() => fetchKeys(waitUntil)))
    }
    return keys
  }

  return {
    findKey: (waitUntil) => async (header, token) => {
      const { selectKey } = await findKeys(header?.kid, waitUntil)
      return selectKey(header, token)
    },
  }
}

function isUsable<Keys extends { readonly fetchedAt: number }>(
  keys: Keys | undefined,
): keys is Keys {
  return keys !== undefined && Date.now() - keys.fetchedAt < USABLE_MS
}

function logRefreshFailure(error: unknown): void {
  const { fault, status } = error instanceof JwksError ? error : new JwksError('fetch_failed')
  console.warn(JSON.stringify({ message: 'jwks_refresh_failed', cause: fault, status }))
}
