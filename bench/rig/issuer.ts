/**
 * The issuer of a measurement: one ES256 key, its JWK Set over loopback HTTP with a count of the fetches, and access
 * tokens as RFC 9068 has them.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

export const TOKEN_ISSUER = 'https://issuer.example'
export const TOKEN_AUDIENCE = 'https://identity.example'
const KEY_ID = 'bench-1'

export interface Issuer {
  readonly publicJWK: JWK
  /** The variables that make a Worker trust this issuer. */
  readonly variables: Readonly<Record<string, string>>
  /** A key set URL of its own, for a Worker that must start with cold keys. */
  readonly keySetURL: (name: string) => string
  /** How often the key set of that name was fetched. */
  readonly fetchesOf: (name: string) => number
  /** A good access token of the subject, for two hours, or one that expired an hour ago. */
  readonly issueToken: (subject: string, state?: 'good' | 'expired') => Promise<string>
  readonly stop: () => void
}

export async function startIssuer(): Promise<Issuer> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const publicJWK = { ...(await exportJWK(publicKey)), kid: KEY_ID, alg: 'ES256', use: 'sig' }
  const body = JSON.stringify({ keys: [publicJWK] })
  const fetches = new Map<string, number>()
  const server = createServer((request, response) => {
    const name = request.url?.slice(1) ?? ''
    fetches.set(name, (fetches.get(name) ?? 0) + 1)
    response.writeHead(200, { 'Content-Type': 'application/jwk-set+json' }).end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const keySetURL = (name: string) => `http://127.0.0.1:${port}/${name}`
  return {
    publicJWK,
    variables: {
      TOKEN_ISSUER,
      TOKEN_AUDIENCE,
      JWKS_URL: keySetURL('jwks'),
      PUBLIC_KEY: JSON.stringify(publicJWK),
      TOKEN_TYPE: '',
      TOKEN_ALGORITHMS: '',
      REQUIRED_SCOPE: '',
      CORS_ORIGINS: '',
      KEEP_LAST_ADMINISTRATOR: 'false',
      MEMBERS_MAY_LEAVE: 'false',
      RECORD_GROUPS: 'false',
    },
    keySetURL,
    fetchesOf: (name) => fetches.get(name) ?? 0,
    issueToken(subject, state = 'good') {
      return new SignJWT({ client_id: 'bench', jti: crypto.randomUUID() })
        .setProtectedHeader({ alg: 'ES256', kid: KEY_ID, typ: 'at+jwt' })
        .setIssuer(TOKEN_ISSUER)
        .setAudience(TOKEN_AUDIENCE)
        .setSubject(subject)
        .setIssuedAt(state === 'good' ? undefined : '-2h')
        .setExpirationTime(state === 'good' ? '2h' : '-1h')
        .sign(privateKey)
    },
    stop: () => server.close().closeAllConnections(),
  }
}

/** The token with another signature: well-formed, and wrong for its key. */
export function breakSignature(token: string, other: string): string {
  const [header, payload] = token.split('.')
  return `${header}.${payload}.${other.split('.')[2]}`
}
