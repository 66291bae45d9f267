/** A token verified by jose with one imported key: as this project does it, without key set, rotation and reason. */
import { importJWK, type JWK, jwtVerify } from 'jose'
import type { Env, VerifyToken } from './parts.ts'

// Nobody reads the stack of a refusal.
Object.assign(Error, { stackTraceLimit: 0 })

let key: CryptoKey | undefined

async function importKey(env: Env): Promise<CryptoKey> {
  return (key = (await importJWK(JSON.parse(env.PUBLIC_KEY) as JWK, 'ES256')) as CryptoKey)
}

/** Checks all that jose checks, with the options of this project. */
export const verifyByJose: VerifyToken = async (token, env) => {
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
