/**
 * Attacks on the form of the token: wrapped, repeated, bent.
 */
import { CompactEncrypt, importJWK } from 'jose'
import {
  ALGORITHM,
  createForge,
  MALFORMED,
  SIGNATURE,
  textOf,
  UNKNOWN_KEY,
  type Attack,
  type Scene,
} from './scene'

/** Nested tokens, duplicate JSON names, oversize, and characters that do not belong. */
export function attackStructure(scene: Scene): readonly Attack[] {
  const { issuer, ec, rsa, own, victim } = scene
  const { attack, altered } = createForge(scene)
  const wrapped: Attack[] = [
    {
      name: 'an encrypted token (JWE) around a good one',
      reason: MALFORMED,
      token: async () => {
        const inner = new TextEncoder().encode(await issuer.token(victim))
        const header = { alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT', kid: rsa.kid }
        const key = await importJWK({ ...rsa.publicJWK, alg: 'RSA-OAEP-256', use: 'enc' })
        return new CompactEncrypt(inner).setProtectedHeader(header).encrypt(key)
      },
    },
    {
      name: 'a signed token around a good one',
      reason: MALFORMED,
      token: async () => {
        const payloadText = await issuer.token(victim)
        return issuer.token(victim, { header: { cty: 'JWT' }, payloadText })
      },
    },
    altered('JSON serialization', MALFORMED, (token) => {
      const [protectedHeader, payload, signature] = token.split('.')
      return JSON.stringify({ payload, protected: protectedHeader, signature })
    }),
    attack('compression (zip) of the payload', MALFORMED, {
      header: { zip: 'DEF' },
      payloadText: '\u0078\u009c',
    }),
  ]

  const goodHeader = { alg: 'ES256', typ: 'at+jwt', kid: ec.kid }
  const repeated: Attack[] = [
    attack('alg twice, none last', ALGORITHM, {
      headerText: `{${textOf(goodHeader)},"alg":"none"}`,
    }),
    attack('alg twice, none first, of another key', SIGNATURE, {
      key: own,
      headerText: `{"alg":"none",${textOf(goodHeader)}}`,
    }),
    attack('kid twice, an unknown one last', UNKNOWN_KEY, {
      headerText: `{${textOf(goodHeader)},"kid":"other"}`,
    }),
    attack('aud twice, another one last', 'jwt_audience_mismatch', {
      payloadText: `{${textOf(issuer.claims(victim))},"aud":"https://other.example"}`,
    }),
    attack('iss twice, another one last', 'jwt_issuer_mismatch', {
      payloadText: `{${textOf(issuer.claims(victim))},"iss":"https://other.example"}`,
    }),
    attack('exp twice, a past one last', 'jwt_expired', {
      payloadText: `{${textOf(issuer.claims(victim))},"exp":1}`,
    }),
  ]

  const bent: Attack[] = [
    attack('a token of 8 KiB and one byte', 'token_oversize', {
      claims: { pad: 'x'.repeat(8_000) },
    }),
    altered('padding behind its parts', MALFORMED, (token) => `${token}=`),
    altered('a blank inside', MALFORMED, (token) => token.replace('.', ' .')),
    altered('a fourth part', MALFORMED, (token) => `${token}.`),
    altered('two tokens', MALFORMED, (token) => `${token},${token}`),
    altered('characters of plain base64', MALFORMED, (token) => token.replace(/\.(.)/, '.+')),
    attack('a header nested a thousand deep', SIGNATURE, {
      key: own,
      headerText: `{${textOf(goodHeader)},"x":${'['.repeat(1_000)}${']'.repeat(1_000)}}`,
    }),
  ]

  return [...wrapped, ...repeated, ...bent]
}
