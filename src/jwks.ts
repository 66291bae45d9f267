/**
 * Fetches and reads one JWK Set (RFC 7517), within limits. Knows nothing of caching: see key-set.ts.
 */
import { createLocalJWKSet, type JWK, type JWTVerifyGetKey } from 'jose'
import { limitTime } from './time-limit'

const FETCH_TIMEOUT_MS = 3_000
const MAX_BODY_BYTES = 64 * 1024
/** All keys count, usable or not. Reading a key costs CPU, and a token without a key ID is tried with each key that fits. */
const MAX_KEYS = 100
const MIN_RSA_MODULUS_BITS = 2048

/** RFC 9110, 10.1.5. Some firewalls refuse requests without it. */
const USER_AGENT = 'identity-worker/2.0.0'

/** The keys of an issuer, ready to verify with. */
export interface PublishedKeys {
  /** Unix milliseconds at which the fetch of the keys began. */
  readonly fetchedAt: number
  /** The IDs of all keys in the set, usable or not. */
  readonly keyIDs: ReadonlySet<string>
  /** Selects the usable key for a token's header. */
  readonly selectKey: JWTVerifyGetKey
}

/** The reasons for which a response of the issuer is not used. */
export const JWKS_FAULTS = [
  'fetch_failed',
  'timeout',
  'status',
  'oversize',
  'not_json',
  'not_a_jwk_set',
  'too_many_keys',
  'no_usable_key',
] as const

export type JwksFault = (typeof JWKS_FAULTS)[number]

/** A response of the issuer that is not used. */
export class JwksError extends Error {
  override readonly name = 'JwksError'
  readonly fault: JwksFault
  /** The HTTP status, if it is the fault. */
  readonly status: number | undefined

  constructor(fault: JwksFault, status?: number) {
    super(fault)
    this.fault = fault
    this.status = status
  }
}

/**
 * The body of the issuer's response: within 3 s and 64 KiB, without following a redirect. Its content type is ignored.
 *
 * @param fetcher carries the fetch
 * @throws JwksError if the response is late, too large or not a 200; whatever `fetch` throws
 */
export async function fetchJwks(url: string, fetcher: Pick<Fetcher, 'fetch'>): Promise<string> {
  const abort = new AbortController()
  const response = fetcher.fetch(url, {
    headers: {
      Accept: 'application/jwk-set+json, application/json',
      'User-Agent': USER_AGENT,
    },
    cache: 'no-store', // a copy in Cloudflare's cache would count as fetched now
    redirect: 'manual',
    signal: abort.signal,
  })
  return limitTime(response.then(readBody), FETCH_TIMEOUT_MS, () => {
    abort.abort()
    throw new JwksError('timeout')
  })
}

async function readBody(response: Response): Promise<string> {
  const { status, body } = response
  if (status !== 200 || body === null) {
    await body?.cancel()
    throw new JwksError('status', status)
  }
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }) // skips a byte order mark
  let text = ''
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.byteLength
    if (bytes > MAX_BODY_BYTES) throw new JwksError('oversize')
    text += decode(decoder, chunk)
  }
  return text + decode(decoder)
}

function decode(decoder: TextDecoder, chunk?: Uint8Array): string {
  try {
    return decoder.decode(chunk, { stream: chunk !== undefined })
  } catch {
    throw new JwksError('not_json') // JSON is UTF-8 (RFC 8259, 8.1)
  }
}

/**
 * The usable keys of a JWK Set.
 *
 * @param text the JWK Set as JSON
 * @param fetchedAt Unix milliseconds at which the fetch of the text began
 * @throws JwksError if the text is no JWK Set, or has no key for an allowed algorithm
 */
export async function readJwks(
  text: string,
  algorithms: readonly string[],
  fetchedAt: number,
): Promise<PublishedKeys> {
  const published = parseJwks(text)
  const usable = await Promise.all(published.map((key) => canVerify(key, algorithms)))
  const keys = published.filter((_, index) => usable[index])
  if (keys.length === 0) throw new JwksError('no_usable_key')
  const keyIDs = new Set(published.map(({ kid }) => kid).filter((kid) => typeof kid === 'string'))
  return { fetchedAt, keyIDs, selectKey: createLocalJWKSet({ keys }) }
}

function parseJwks(text: string): JWK[] {
  const set = parseJSON(text)
  const keys: unknown = isObject(set) ? set['keys'] : undefined
  if (!Array.isArray(keys) || !keys.every(isObject)) throw new JwksError('not_a_jwk_set')
  if (keys.length > MAX_KEYS) throw new JwksError('too_many_keys')
  return keys
}

function parseJSON(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new JwksError('not_json')
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** RFC 7518, 6.2.2, 6.3.2 and 6.4.1. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const

/**
 * Whether jose would verify a token with this key. jose itself asks only when a token needs the key; a set without any
 * usable key would then replace valid keys.
 */
async function canVerify(key: JWK, algorithms: readonly string[]): Promise<boolean> {
  if (PRIVATE_MEMBERS.some((member) => key[member] !== undefined)) return false
  for (const alg of algorithms) {
    try {
      const { algorithm } = await createLocalJWKSet({ keys: [key] })({ alg })
      if (isLargeEnough(algorithm)) return true
    } catch {
      // Not a key for this algorithm. The runtime throws a JOSEError, a TypeError or a DOMException.
    }
  }
  return false
}

/** RFC 7518, 3.3: at least 2048 bits. jose checks it only when it verifies. */
function isLargeEnough(algorithm: object): boolean {
  return !('modulusLength' in algorithm) || Number(algorithm.modulusLength) >= MIN_RSA_MODULUS_BITS
}
