/**
 * The key of this browser, to which tokens are bound, and the proofs that it makes (DPoP, RFC 9449). No script can read the
 * private key out: IndexedDB keeps the key itself, not its bytes.
 */
import { base64url, exportJWK, generateKeyPair, SignJWT } from 'jose'

const ALGORITHM = 'ES256'

/** The key pair of this browser; makes one if there is none. */
export async function loadKeyPair(): Promise<CryptoKeyPair> {
  const opening = indexedDB.open('identity-console')
  opening.addEventListener('upgradeneeded', () => opening.result.createObjectStore('keys'))
  const database = await settle(opening)
  const store = () => database.transaction('keys', 'readwrite').objectStore('keys')
  const find = () => settle(store().get('pair') as IDBRequest<CryptoKeyPair | undefined>)
  try {
    const known = await find()
    if (known !== undefined) return known
    const made = await generateKeyPair(ALGORITHM)
    // Another tab may have been faster. Then its key stays.
    await settle(store().add(made, 'pair')).catch(() => undefined)
    return (await find()) ?? made
  } finally {
    database.close()
  }
}

/** A proof for one request with a token, valid for a minute. */
export async function makeProof(method: string, url: URL, token: string): Promise<string> {
  const { privateKey, publicKey } = await loadKeyPair()
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))
  const ath = base64url.encode(new Uint8Array(hash))
  return new SignJWT({ htm: method, htu: url.origin + url.pathname, ath })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: ALGORITHM, jwk: await exportJWK(publicKey) })
    .setJti(crypto.randomUUID())
    .setIssuedAt()
    .sign(privateKey)
}

function settle<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error ?? new Error('no IndexedDB')))
  })
}
