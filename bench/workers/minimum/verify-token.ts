/** Verifies a bearer token by jose with one imported key: no key set, no rotation, no reason of a refusal. */
import { importJWK, type JWK, jwtVerify } from 'jose'
import type { Env } from './parts.ts'

// Capturing a stack for a refusal costs time, and this Worker logs no frames.
Object.assign(Error, { stackTraceLimit: 0 })

let key: CryptoKey | undefined

async function importKey(env: Env): Promise<CryptoKey> {
  return (key = (await importJWK(JSON.parse(env.PUBLIC_KEY) as JWK, 'ES256')) as CryptoKey)
}

/** The subject of a valid ES256 access token, or undefined. The options of jose are those of this project. */
export async function verifyToken(request: Request, env: Env): Promise<string | undefined> {
  const token = request.headers.get('Authorization')?.slice('Bearer '.length) ?? ''
  const publicKey = key ?? (await importKey(env))
  try {
    const { payload } = await jwtVerify(token, publicKey, {
      issuer: env.TOKEN_ISSUER,
      audience: env.TOKEN_AUDIENCE,
      typ: 'at+jwt',
      algorithms: ['ES256'],
      clockTolerance: 30,
      requiredClaims: ['iss', 'aud', 'exp', 'sub'],
    })
    return payload.sub
  } catch {
    return undefined
  }
}
