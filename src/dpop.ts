/**
 * Checks DPoP proofs (RFC 9449): whether the sender of a token holds the key that the token is bound to. jose verifies
 * the proof as a JWT. No `jti` is stored: a proof names the method, the URL and the token, so a replay asks for the same.
 */
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify, type JWTPayload } from 'jose'
import { encode } from 'jose/base64url'
import { JWSSignatureVerificationFailed, JWTClaimValidationFailed, JWTExpired } from 'jose/errors'
import { ALGORITHMS, type DpopMode } from './config'
import { IdentityError, type Reason } from './errors'

/** The form of a token and of a proof (RFC 7515, 7.1). jose would also accept white space and padding in the three texts. */
export const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/

const MAX_PROOF_BYTES = 4 * 1024
const MAX_JTI_LENGTH = 255
const MAX_AGE_S = 60
const CLOCK_TOLERANCE_S = 30

/** The use of the scheme `DPoP`, or of the field `dpop` over a binding. */
export interface DpopUse {
  /** The proof; empty if there is none. */
  readonly proof: string
  /** The method of the request that the proof must name. */
  readonly method: string
  /** Whether a URL names that request. Query and fragment do not count. */
  readonly isRequestURL: (url: URL) => boolean
}

/**
 * Checks the binding of a verified token: a bound token needs a proof of its key, any other token must be a bearer token.
 *
 * @param confirmation the claim `cnf` of the token (RFC 7800)
 * @throws IdentityError if the token must not be used in this way, or if the proof is invalid
 */
export async function checkBinding(
  token: string,
  confirmation: unknown,
  mode: DpopMode | undefined,
  use: DpopUse | undefined,
): Promise<void> {
  if (confirmation === undefined) {
    if (mode === 'require') throw new IdentityError('dpop_required')
    if (use !== undefined) throw new IdentityError('dpop_token_mismatch')
    return
  }
  // Another member is another method of confirmation, which would have to be checked as well.
  const { jkt, ...others } = Object(confirmation) as Record<string, unknown>
  if (mode === undefined || typeof jkt !== 'string' || Object.keys(others).length > 0) {
    throw new IdentityError('jwt_sender_constrained')
  }
  if (!use?.proof) throw new IdentityError('dpop_missing')

  const { thumbprint, jti, htm, htu, ath } = await verifyProof(use.proof)
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI_LENGTH) {
    throw new IdentityError('dpop_malformed')
  }
  if (htm !== use.method || !namesRequest(htu, use)) {
    throw new IdentityError('dpop_request_mismatch')
  }
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))
  if (thumbprint !== jkt || ath !== encode(new Uint8Array(digest))) {
    throw new IdentityError('dpop_token_mismatch')
  }
}

/** Checks size, form, `typ`, `alg`, `jwk`, signature and times. Returns the claims and the thumbprint of the key. */
async function verifyProof(proof: string): Promise<JWTPayload> {
  if (proof.length > MAX_PROOF_BYTES || !COMPACT_JWS.test(proof)) {
    throw new IdentityError('dpop_malformed')
  }
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: [...ALGORITHMS],
      maxTokenAge: MAX_AGE_S - CLOCK_TOLERANCE_S, // jose adds the tolerance
      clockTolerance: CLOCK_TOLERANCE_S,
    })
    return { ...payload, thumbprint: await calculateJwkThumbprint(protectedHeader.jwk!) }
  } catch (error) {
    throw new IdentityError(findReason(error))
  }
}

/** Whatever jose or the runtime throws at a proof (also TypeError and DOMException, for its key) is a fault of the proof. */
function findReason(error: unknown): Reason {
  if (error instanceof JWSSignatureVerificationFailed) return 'dpop_signature_invalid'
  const isStale = error instanceof JWTClaimValidationFailed && error.claim !== 'typ'
  return isStale || error instanceof JWTExpired ? 'dpop_stale' : 'dpop_malformed'
}

function namesRequest(htu: unknown, { isRequestURL }: DpopUse): boolean {
  const url = typeof htu === 'string' ? URL.parse(htu) : null
  return url !== null && url.username === '' && url.password === '' && isRequestURL(url)
}
