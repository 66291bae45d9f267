/**
 * Which keys do we trust now? The issuer's JWKS, cached in the isolate and, across isolates of one location, in the
 * Cache API. This is the only memory of the isolate. It never blocks on the issuer while it has good keys.
 */
import type { JWTVerifyGetKey } from 'jose'
import type { Config } from './config'
import { IdentityError } from './errors'
import { fetchJwks, JwksFault, readJwks, type PublishedKeys } from './jwks'
import { within } from './within'

const FRESH_MS = 10 * 60 * 1_000
const USABLE_MS = 24 * 60 * 60 * 1_000
const COOLDOWN_MS = 30 * 1_000
const CACHE_TIMEOUT_MS = 500
/** Longer than any refresh may take: who waits longer waits for a request that has gone away. */
const PATIENCE_MS = 4_000
const RETRY_AFTER_S = 1
const CACHE_NAME = 'identity-jwks'

/** What a request lends to the key set while it asks for a key. */
export interface KeyRequest {
  readonly issuer: Fetcher | undefined
  readonly waitUntil: (promise: Promise<unknown>) => void
}

/** The cached keys of one issuer. */
export interface KeySet {
  /**
   * The key for a token, for jose's `jwtVerify`.
   *
   * @throws IdentityError `jwks_unavailable` with seconds to retry after where there are no keys at all
   */
  keyFor(request: KeyRequest): JWTVerifyGetKey
}

const keySets = new Map<string, KeySet>()
const keySetOf = new WeakMap<Config, KeySet>()

/** The one key set of a configuration: of its URL, with the algorithms that it allows. */
export function findKeySet(config: Config): KeySet {
  let keySet = keySetOf.get(config)
  if (keySet === undefined) {
    const { jwksURL, algorithms } = config
    const name = `${jwksURL} ${algorithms.join()}`
    keySet = keySets.get(name) ?? createKeySet(jwksURL, algorithms)
    keySets.set(name, keySet)
    keySetOf.set(config, keySet)
  }
  return keySet
}

function createKeySet(url: string, algorithms: readonly string[]): KeySet {
  let keys: PublishedKeys | undefined
  let fetchStartedAt = -Infinity
  let run: { readonly promise: Promise<void>; readonly startedAt: number } | undefined
  let runsEnded = 0

  /** The load that is under way. One that takes longer than any may belongs to a request that has gone away. */
  function findRun(): Promise<void> | undefined {
    return run !== undefined && Date.now() - run.startedAt < PATIENCE_MS ? run.promise : undefined
  }

  /** Asks the issuer. A bad answer never replaces good keys, and nobody's request fails for it here. */
  async function fetchKeys({ issuer, waitUntil }: KeyRequest): Promise<void> {
    fetchStartedAt = Date.now()
    try {
      const text = await fetchJwks(url, issuer)
      keys = await readJwks(text, algorithms, fetchStartedAt)
      waitUntil(writeCache(url, text, fetchStartedAt))
    } catch (error) {
      const cause = error instanceof JwksFault ? error.message : 'fetch_failed'
      console.warn(JSON.stringify({ message: 'jwks_refresh_failed', cause }))
    }
  }

  /** What another isolate of this location has fetched, or else what the issuer says. */
  async function loadKeys(request: KeyRequest): Promise<void> {
    keys = (await readCache(url, algorithms)) ?? keys
    if (!isUsable(keys)) await fetchKeys(request)
  }

  /** Runs `load`, or joins the run that is under way: concurrent requests cause one fetch. */
  async function share(request: KeyRequest, load: typeof loadKeys): Promise<void> {
    // A promise of a request that has ended may never settle, so each waits with a timer of its own.
    const joined = findRun()
    const endedBefore = runsEnded
    if (joined !== undefined && (await settlesInTime(joined))) return
    // Of those whose patience ended together, the first runs; the others join it, or find that it has ended.
    const next = findRun()
    if (next !== undefined && next !== joined && (await settlesInTime(next))) return
    if (runsEnded !== endedBefore) return
    const promise = load(request).finally(() => {
      runsEnded += 1
      if (run?.promise === promise) run = undefined
    })
    run = { promise, startedAt: Date.now() }
    request.waitUntil(promise)
    await promise
  }

  function mayFetch(): boolean {
    return Date.now() - fetchStartedAt >= COOLDOWN_MS
  }

  async function findKeys(request: KeyRequest, keyID: unknown): Promise<PublishedKeys> {
    if (!isUsable(keys)) await share(request, loadKeys)
    if (!isUsable(keys)) throw new IdentityError('jwks_unavailable', undefined, RETRY_AFTER_S)
    if (typeof keyID === 'string' && !keys.keyIDs.has(keyID)) {
      if (findRun() !== undefined || mayFetch()) await share(request, fetchKeys)
    } else if (Date.now() - keys.fetchedAt >= FRESH_MS && findRun() === undefined && mayFetch()) {
      request.waitUntil(share(request, fetchKeys))
    }
    return keys
  }

  return {
    keyFor: (request) => async (header, token) =>
      (await findKeys(request, header?.kid)).selectKey(header, token),
  }
}

function isUsable(keys: PublishedKeys | undefined): keys is PublishedKeys {
  return keys !== undefined && Date.now() - keys.fetchedAt < USABLE_MS
}

/** Whether another request's work ends while this one still waits for it. */
function settlesInTime(promise: Promise<void>): Promise<boolean> {
  return within(
    PATIENCE_MS,
    promise.then(() => true),
    () => false,
  )
}

interface CacheEntry {
  readonly fetchedAt: number
  readonly text: string
}

/** The Cache API only saves a fetch: it is promised on custom domains alone, and whatever fails in it is a miss. */
async function readCache(
  url: string,
  algorithms: readonly string[],
): Promise<PublishedKeys | undefined> {
  try {
    const entry = await within(CACHE_TIMEOUT_MS, matchCache(url), () => undefined)
    if (entry === undefined) return undefined
    const { fetchedAt, text } = entry
    const keys = await readJwks(text, algorithms, Math.min(fetchedAt, Date.now()))
    return isUsable(keys) ? keys : undefined
  } catch {
    return undefined
  }
}

async function matchCache(url: string): Promise<CacheEntry | undefined> {
  const cached = await (await caches.open(CACHE_NAME)).match(url)
  return cached?.json<CacheEntry>()
}

async function writeCache(url: string, text: string, fetchedAt: number): Promise<void> {
  try {
    const entry: CacheEntry = { fetchedAt, text }
    const headers = { 'Cache-Control': `max-age=${USABLE_MS / 1_000}` }
    await (await caches.open(CACHE_NAME)).put(url, Response.json(entry, { headers }))
  } catch {
    // as above: the next cold isolate asks the issuer itself
  }
}
