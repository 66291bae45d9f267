/**
 * Whose token is this? From an Authorization value to the principal that the token stands for, by RFC 6750, 8725 and
 * 9068. All JOSE work is jose's; what is checked here is what jose leaves to its caller. Does not touch the database:
 * whether the principal is known and active is decided with the deletion.
 */
import {
  errors,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  type JWTVerifyResult,
} from 'jose'
import type { Config } from './config'
import { IdentityError, type Reason } from './errors'

const CLOCK_TOLERANCE_S = 30
const MAX_TOKEN_BYTES = 8 * 1024
const REQUIRED_CLAIMS = ['iss', 'aud', 'exp', 'sub']

/** RFC 7515, 7.1: three base64url texts and nothing else; jose would pass over white space and padding in them. */
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** RFC 9110, 11.4: the scheme, whose name goes on for as long as there are characters of a token. */
const BEARER = /^bearer(?![\w!#$%&'*+.^`|~-])/i

/** Whom a verified token stands for. */
export interface Principal {
  /** The `sub` claim: a user's subject or a service account's ID. */
  readonly subject: string
}

/**
 * The token of an Authorization header's value.
 *
 * @throws IdentityError `token_missing` where there are no bearer credentials, `jwt_malformed` where they hold no token
 */
export function readBearerToken(authorization: string | null): string {
  if (authorization === null || !BEARER.test(authorization))
    throw new IdentityError('token_missing')
  const token = authorization.slice('bearer'.length)
  if (!token.startsWith(' ')) throw new IdentityError('jwt_malformed')
  return token.replace(/^ +/, '')
}

/**
 * The principal of a bearer token.
 *
 * @param token the bare token, without its scheme
 * @param getKey finds the issuer's key for the token's header
 * @throws IdentityError for a token that is not good, or where `getKey` does
 */
export async function authenticate(
  token: string,
  config: Config,
  getKey: JWTVerifyGetKey,
): Promise<Principal> {
  if (token.length > MAX_TOKEN_BYTES) throw new IdentityError('token_oversize')
  if (!COMPACT_JWS.test(token)) throw new IdentityError('jwt_malformed')
  const claims = await verify(token, config, getKey)
  if (!areTimesFinite(claims)) throw new IdentityError('jwt_malformed')
  // RFC 7800: bound to a key whose proof is not checked here; as a plain bearer token it would lose that protection.
  if (claims['cnf'] !== undefined) throw new IdentityError('jwt_sender_constrained')
  const { sub } = claims
  if (typeof sub !== 'string' || sub === '' || !sub.isWellFormed()) {
    throw new IdentityError('jwt_claims_invalid')
  }
  if (config.requiredScope !== undefined && !hasScope(claims, config.requiredScope)) {
    throw new IdentityError('scope_lacking', config.requiredScope)
  }
  return { subject: sub }
}

async function verify(token: string, config: Config, getKey: JWTVerifyGetKey): Promise<JWTPayload> {
  const options = {
    issuer: config.issuer,
    audience: config.audience,
    ...(config.tokenType === undefined ? {} : { typ: config.tokenType }),
    algorithms: [...config.algorithms],
    clockTolerance: CLOCK_TOLERANCE_S,
    requiredClaims: REQUIRED_CLAIMS,
  }
  const { payload, protectedHeader } = await verifyWithEachKey(token, getKey, options)
  if (config.tokenType === undefined && protectedHeader.typ !== undefined) {
    throw new IdentityError('jwt_type_mismatch')
  }
  return payload
}

/** Where several published keys fit a token, it is good if one verifies it. */
async function verifyWithEachKey(
  token: string,
  getKey: JWTVerifyGetKey,
  options: JWTVerifyOptions,
): Promise<JWTVerifyResult> {
  try {
    return await jwtVerify(token, getKey, options)
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw toRefusal(error)
    let refusal = new IdentityError('jwt_signature_invalid')
    for await (const key of error) {
      try {
        return await jwtVerify(token, key, options)
      } catch (cause) {
        const next = toRefusal(cause)
        if (next.reason !== 'jwt_signature_invalid') refusal = next
      }
    }
    throw refusal
  }
}

/** The reason for which jose did not verify a token. What is no judgement on the token passes as it is. */
function toRefusal(error: unknown): IdentityError {
  if (error instanceof IdentityError) return error
  return new IdentityError(findReason(error))
}

const MISMATCHES: Readonly<Record<string, Reason>> = {
  iss: 'jwt_issuer_mismatch',
  aud: 'jwt_audience_mismatch',
  typ: 'jwt_type_mismatch',
  nbf: 'jwt_not_yet_valid',
}

function findReason(error: unknown): Reason {
  if (error instanceof errors.JWTExpired) {
    return areTimesFinite(error.payload) ? 'jwt_expired' : 'jwt_malformed'
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    return MISMATCHES[error.claim] ?? 'jwt_claims_invalid'
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return 'jwt_algorithm_not_allowed'
  if (error instanceof errors.JWKSNoMatchingKey) return 'jwt_unknown_key'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'jwt_signature_invalid'
  if (error instanceof errors.JOSEError) return 'jwt_malformed'
  // A key that the runtime takes but will not verify with is no JOSEError.
  if (error instanceof TypeError || error instanceof DOMException) return 'jwt_unusable_key'
  throw error
}

/** Times are JSON numbers; `1e400` parses, as Infinity, and would never expire. */
function areTimesFinite({ exp, nbf, iat }: JWTPayload): boolean {
  return [exp, nbf, iat].every((time) => time === undefined || Number.isFinite(time))
}

/** `scope` (RFC 9068, 2.2.3), or `scp` where that is absent (Entra, Okta): words between spaces, or a list of words. */
function hasScope(claims: JWTPayload, required: string): boolean {
  const granted = claims['scope'] === undefined ? claims['scp'] : claims['scope']
  const words: unknown = typeof granted === 'string' ? granted.split(' ') : granted
  return Array.isArray(words) && words.includes(required)
}
