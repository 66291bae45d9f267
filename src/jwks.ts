/**
 * What is a good answer of the issuer? Fetches a JWK Set (RFC 7517) within limits and keeps the keys that may verify a
 * token here. Knows nothing of caching: key-set.ts decides when to ask and what to do with an answer.
 */
import { createLocalJWKSet, type JWK, type JWTVerifyGetKey } from 'jose'
import { within } from './within'

const FETCH_TIMEOUT_MS = 3_000
const MAX_BODY_BYTES = 64 * 1024
const MIN_RSA_MODULUS_BITS = 2048

type LocalJWKSet = ReturnType<typeof createLocalJWKSet>

/** Keys as published, ready to verify with. */
export interface PublishedKeys {
  /** Unix milliseconds at which the issuer gave them. */
  readonly fetchedAt: number
  /** The IDs of all keys in the set, usable here or not. */
  readonly keyIDs: ReadonlySet<string>
  /** Picks the usable key that fits a token's header. */
  readonly selectKey: JWTVerifyGetKey
}

/** Why the issuer's answer is not used; the message is a fixed word, for the log. */
export class JwksFault extends Error {
  override readonly name = 'JwksFault'
}

/**
 * The body that the issuer answers with: within 3 s and 64 KiB, without following a redirect. The type that the answer
 * claims is not looked at.
 *
 * @param issuer the service binding that carries the fetch, where a Worker could not reach the host itself
 * @throws JwksFault for an answer that is late, too large or not a 200; whatever `fetch` throws
 */
export async function fetchJwks(url: string, issuer: Fetcher | undefined): Promise<string> {
  const abort = new AbortController()
  const init: RequestInit = {
    headers: { Accept: 'application/jwk-set+json, application/json' },
    redirect: 'manual',
    signal: abort.signal,
  }
  const answer = issuer === undefined ? fetch(url, init) : issuer.fetch(url, init)
  return within(FETCH_TIMEOUT_MS, answer.then(readBody), () => {
    abort.abort()
    throw new JwksFault('timeout')
  })
}

async function readBody(response: Response): Promise<string> {
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel()
    throw new JwksFault('status')
  }
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }) // skips a byte order mark
  const decode = (chunk?: Uint8Array) => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined })
    } catch {
      throw new JwksFault('not_json')
    }
  }
  let text = ''
  let bytes = 0
  for await (const chunk of response.body) {
    bytes += chunk.byteLength
    if (bytes > MAX_BODY_BYTES) throw new JwksFault('oversize')
    text += decode(chunk)
  }
  return text + decode()
}

/**
 * The usable keys of a JWK Set.
 *
 * @param fetchedAt Unix milliseconds at which the issuer gave the text
 * @throws JwksFault for a text that is not a JWK Set, or has no key for an allowed algorithm
 */
export async function readJwks(
  text: string,
  algorithms: readonly string[],
  fetchedAt: number,
): Promise<PublishedKeys> {
  const published = parseJwks(text)
  const usable = await Promise.all(published.map((key) => isUsable(key, algorithms)))
  const keys = published.filter((_, index) => usable[index])
  if (keys.length === 0) throw new JwksFault('no_usable_key')
  const keyIDs = new Set(published.flatMap(({ kid }) => (typeof kid === 'string' ? [kid] : [])))
  return { fetchedAt, keyIDs, selectKey: rememberKeys(createLocalJWKSet({ keys })) }
}

/** jose looks through all keys for each token, though the choice hangs on two members of its header alone. */
function rememberKeys(selectKey: LocalJWKSet): JWTVerifyGetKey {
  const selected = new Map<unknown, { readonly alg: unknown; readonly key: CryptoKey }>()
  return async (header, token) => {
    const { alg, kid } = header
    const known = selected.get(kid)
    if (known?.alg === alg) return known.key
    const key = await selectKey(header, token)
    selected.set(kid, { alg, key })
    return key
  }
}

function parseJwks(text: string): JWK[] {
  let set: unknown
  try {
    set = JSON.parse(text)
  } catch {
    throw new JwksFault('not_json')
  }
  const keys: unknown = isObject(set) ? set['keys'] : undefined
  if (!Array.isArray(keys) || !keys.every(isObject)) throw new JwksFault('not_a_jwk_set')
  return keys
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** RFC 7518, 6.2.2, 6.3.2 and 6.4.1. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const

/**
 * Whether jose would verify a token with this key. One that it would not spoils only itself; but were that left to be
 * found at use, a set of nothing else would pass as a good answer.
 */
async function isUsable(key: JWK, algorithms: readonly string[]): Promise<boolean> {
  if (PRIVATE_MEMBERS.some((member) => key[member] !== undefined)) return false
  for (const alg of algorithms) {
    try {
      const { algorithm } = await createLocalJWKSet({ keys: [key] })({ alg })
      if (isLargeEnough(algorithm)) return true
    } catch {
      // not a key for this algorithm; the runtime says so in several ways: JOSEError, TypeError, DOMException
    }
  }
  return false
}

/** RFC 7518, 3.3: 2048 bits at least; jose asks only when it verifies. */
function isLargeEnough(algorithm: object): boolean {
  return !('modulusLength' in algorithm) || Number(algorithm.modulusLength) >= MIN_RSA_MODULUS_BITS
}
