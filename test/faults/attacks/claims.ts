/**
 * Tokens that the issuer has signed, for something else.
 */
import { CLAIMS, createForge, MALFORMED, textOf, type Attack, type Scene } from './scene'

/** Tokens of another type, for another audience, of another issuer, bound to a key, and odd claims. */
export function attackClaims(scene: Scene): readonly Attack[] {
  const { issuer, victim } = scene
  const { attack } = createForge(scene)
  return [
    attack('an ID token', 'jwt_type_mismatch', { header: { typ: 'JWT' } }),
    attack('a logout token', 'jwt_type_mismatch', { header: { typ: 'logout+jwt' } }),
    attack('a DPoP proof', 'jwt_type_mismatch', { header: { typ: 'dpop+jwt' } }),
    attack('no type', 'jwt_type_mismatch', { header: { typ: undefined } }),
    attack('a token for another audience', 'jwt_audience_mismatch', {
      claims: { aud: 'https://other.example' },
    }),
    attack('an audience that only begins like ours', 'jwt_audience_mismatch', {
      claims: { aud: `${issuer.vars.TOKEN_AUDIENCE}.evil.example` },
    }),
    attack('a token of another issuer', 'jwt_issuer_mismatch', {
      claims: { iss: 'https://other.example' },
    }),
    attack('an issuer with a slash more', 'jwt_issuer_mismatch', {
      claims: { iss: `${issuer.vars.TOKEN_ISSUER}/` },
    }),
    attack('a token bound to a key (cnf)', 'jwt_sender_constrained', {
      claims: { cnf: { jkt: 'AAAA' } },
    }),
    attack('exp that never comes (1e400)', MALFORMED, {
      payloadText: `{${textOf(issuer.claims(victim))},"exp":1e400}`,
    }),
    attack('exp that is a text', CLAIMS, { claims: { exp: '9999999999' } }),
    attack('no exp', CLAIMS, { claims: { exp: undefined } }),
    attack('sub that is half a character', CLAIMS, {
      payloadText: `{${textOf(issuer.claims(victim))},"sub":"\\ud800"}`,
    }),
    attack('sub that is a list of one', CLAIMS, { claims: { sub: [victim] } }),
    attack('claims behind __proto__', CLAIMS, {
      payloadText: `{${textOf({ ...issuer.claims(victim), sub: undefined })},"__proto__":{"sub":"${victim}"}}`,
    }),
  ]
}
