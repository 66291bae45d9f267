/**
 * The least refusal with jose in place of a verification by hand: what the library's care costs (it checks each part of
 * a token, and makes an error that says what was wrong), as apart from what this project does around it.
 */
import { createLocalJWKSet, type JWK, jwtVerify, type JWTVerifyGetKey } from 'jose'
import { answerRefused, type Env, readTarget, writeRefusal } from './parts.ts'

// Nobody reads the stack of a refusal.
Object.assign(Error, { stackTraceLimit: 0 })

let getKey: JWTVerifyGetKey | undefined

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const startedAt = Date.now()
    const requestID = crypto.randomUUID()
    const scope = readTarget(request)
    const token = request.headers.get('Authorization')?.slice('Bearer '.length) ?? ''
    getKey ??= createLocalJWKSet({ keys: [JSON.parse(env.PUBLIC_KEY) as JWK] })
    try {
      await jwtVerify(token, getKey, {
        issuer: env.TOKEN_ISSUER,
        audience: env.TOKEN_AUDIENCE,
        typ: 'at+jwt',
        algorithms: ['ES256'],
        clockTolerance: 30,
        requiredClaims: ['iss', 'aud', 'exp', 'sub'],
      })
    } catch {
      const response = answerRefused(requestID)
      writeRefusal({ requestID, startedAt, scope })
      return response
    }
    return new Response('this Worker only refuses', { status: 501 })
  },
}
