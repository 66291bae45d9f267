/**
 * The key pair of this browser, to which tokens are bound, and proofs of it (DPoP, RFC 9449). No script can export the
 * private key: IndexedDB stores it as a `CryptoKey` that is not extractable.
 */
import { base64url, exportJWK, generateKeyPair, SignJWT } from 'jose'

const ALGORITHM = 'ES256'

/** Loads the key pair of this browser, or makes one. */
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
    // If another tab was faster, its key pair stays.
    await settle(store().add(made, 'pair')).catch(() => undefined)
    return (await find()) ?? made
  } finally {
    database.close()
  }
}

/** Makes a proof for one request with a token. */
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
