/**
 * Authenticates a caller: from its token to its subject (RFC 6750, 8725, 9068). jose does the JOSE work; this file adds the
 * checks that jose leaves to its caller. The database decides later whether the subject is known and active.
 */
import {
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  type JWTVerifyResult,
} from 'jose'
import {
  JOSEAlgNotAllowed,
  JOSEError,
  JWKSMultipleMatchingKeys,
  JWKSNoMatchingKey,
  JWSSignatureVerificationFailed,
  JWTClaimValidationFailed,
  JWTExpired,
} from 'jose/errors'
import type { Config } from './config'
import { checkBinding, COMPACT_JWS, type DpopUse } from './dpop'
import { IdentityError, type Reason } from './errors'

const CLOCK_TOLERANCE_S = 30
const MAX_TOKEN_BYTES = 8 * 1024
const REQUIRED_CLAIMS = ['iss', 'aud', 'exp', 'sub']

/** What a caller authenticates with. */
export interface Credentials {
  /** The bare token, without its scheme; empty if there is none. */
  readonly token: string
  /** The proof that goes with a token that is bound to a key; undefined if the token is used as a bearer token. */
  readonly dpop: DpopUse | undefined
}

/** The claims of a verified token. */
export interface VerifiedClaims extends JWTPayload {
  /** A user's subject or a service account's ID. */
  readonly sub: string
}

/**
 * Authenticates the caller by its credentials alone.
 *
 * @param findKey finds the issuer's key for the token's header
 * @returns the subject: a user's subject or a service account's ID
 * @throws IdentityError if the token is invalid, has no valid proof or lacks the scope, or if `findKey` throws one
 */
export async function authenticate(
  { token, dpop }: Credentials,
  config: Config,
  findKey: JWTVerifyGetKey,
): Promise<string> {
  const claims = await verifyToken(token, config, findKey)
  await checkBinding(token, claims['cnf'], config.dpop, dpop)
  checkScope(claims, config.requiredScope)
  return claims.sub
}

/** Checks size, form, signature and claims. */
async function verifyToken(
  token: string,
  config: Config,
  findKey: JWTVerifyGetKey,
): Promise<VerifiedClaims> {
  if (token === '') throw new IdentityError('token_missing')
  if (token.length > MAX_TOKEN_BYTES) throw new IdentityError('token_oversize')
  if (!COMPACT_JWS.test(token)) throw new IdentityError('jwt_malformed')
  const { issuer, audience, tokenType, algorithms } = config
  const { payload, protectedHeader } = await verifyWithEachKey(token, findKey, {
    issuer,
    audience,
    ...(tokenType === undefined ? {} : { typ: tokenType }),
    algorithms: [...algorithms],
    clockTolerance: CLOCK_TOLERANCE_S,
    requiredClaims: REQUIRED_CLAIMS,
  })
  if (tokenType === undefined && protectedHeader.typ !== undefined) {
    throw new IdentityError('jwt_type_mismatch')
  }
  if (!areTimesFinite(payload)) throw new IdentityError('jwt_malformed')
  if (!hasSubject(payload)) throw new IdentityError('jwt_claims_invalid')
  return payload
}

/** If several published keys fit a token, one that verifies it is enough. */
async function verifyWithEachKey(
  token: string,
  findKey: JWTVerifyGetKey,
  options: JWTVerifyOptions,
): Promise<JWTVerifyResult> {
  try {
    return await jwtVerify(token, findKey, options)
  } catch (error) {
    if (!(error instanceof JWKSMultipleMatchingKeys)) throw toRefusal(error)
    return verifyWithAny(error, token, options)
  }
}

async function verifyWithAny(
  keys: AsyncIterable<CryptoKey>,
  token: string,
  options: JWTVerifyOptions,
): Promise<JWTVerifyResult> {
  let refusal = new IdentityError('jwt_signature_invalid')
  for await (const key of keys) {
    try {
      return await jwtVerify(token, key, options)
    } catch (error) {
      // A key that verifies the signature says more about the token than one that does not.
      const next = toRefusal(error)
      if (next.reason !== 'jwt_signature_invalid') refusal = next
    }
  }
  throw refusal
}

/** The error for a token that jose did not verify. Errors that say nothing about the token are thrown as they are. */
function toRefusal(error: unknown): IdentityError {
  if (error instanceof IdentityError) return error
  return new IdentityError(findReason(error))
}

const CLAIM_REASONS: Readonly<Record<string, Reason>> = {
  iss: 'jwt_issuer_mismatch',
  aud: 'jwt_audience_mismatch',
  typ: 'jwt_type_mismatch',
  nbf: 'jwt_not_yet_valid',
}

function findReason(error: unknown): Reason {
  if (error instanceof JWTExpired) {
    return areTimesFinite(error.payload) ? 'jwt_expired' : 'jwt_malformed'
  }
  if (error instanceof JWTClaimValidationFailed) {
    return CLAIM_REASONS[error.claim] ?? 'jwt_claims_invalid'
  }
  if (error instanceof JOSEAlgNotAllowed) return 'jwt_algorithm_not_allowed'
  if (error instanceof JWKSNoMatchingKey) return 'jwt_unknown_key'
  if (error instanceof JWSSignatureVerificationFailed) return 'jwt_signature_invalid'
  if (error instanceof JOSEError) return 'jwt_malformed'
  // The runtime throws these for a key that it imports but cannot verify with.
  if (error instanceof TypeError || error instanceof DOMException) return 'jwt_unusable_key'
  throw error
}

/** Times are finite JSON numbers. `1e400` parses as Infinity and would never expire. */
function areTimesFinite({ exp, nbf, iat }: JWTPayload): boolean {
  return [exp, nbf, iat].every((time) => time === undefined || Number.isFinite(time))
}

function hasSubject(claims: JWTPayload): claims is VerifiedClaims {
  const { sub } = claims
  return typeof sub === 'string' && sub !== '' && sub.isWellFormed()
}

/** Reads `scope` (RFC 9068, 2.2.3), or `scp` if that is absent (Entra, Okta): words between spaces, or a list of words. */
function checkScope({ scope, scp }: JWTPayload, required: string | undefined): void {
  if (required === undefined) return
  const granted = scope === undefined ? scp : scope
  const words: unknown = typeof granted === 'string' ? granted.split(' ') : granted
  const hasScope = Array.isArray(words) && words.includes(required)
  if (!hasScope) throw new IdentityError('scope_lacking', { detail: required })
}
