/** The issuer of a measurement: one ES256 key, its JWKS over loopback HTTP, and access tokens of RFC 9068. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

const TOKEN_ISSUER = 'https://issuer.example'
const TOKEN_AUDIENCE = 'https://identity.example'
const TOKEN_LIFETIME_S = 2 * 60 * 60

const pathOf = (name: string): string => `/${encodeURIComponent(name)}`

export interface Issuer {
  /** The variables of a Worker that trusts this issuer. The key set has a URL of its own for each name. */
  readonly varsFor: (name: string) => Readonly<Record<string, string>>
  /** How many times the key set of that name was fetched. */
  readonly fetchesOf: (name: string) => number
  /** Issues an access token; `claims` replace the usual ones. */
  readonly issueToken: (subject: string, claims?: JWTPayload) => Promise<string>
  readonly stop: () => void
}

export async function startIssuer(): Promise<Issuer> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'bench-1', alg: 'ES256', use: 'sig' }
  const body = JSON.stringify({ keys: [jwk] })
  const fetches = new Map<string, number>()
  const server = createServer(({ url = '' }, response) => {
    fetches.set(url, (fetches.get(url) ?? 0) + 1)
    response.writeHead(200, { 'Content-Type': 'application/jwk-set+json' }).end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    varsFor: (name) => ({
      TOKEN_ISSUER,
      TOKEN_AUDIENCE,
      JWKS_URL: origin + pathOf(name),
      PUBLIC_KEY: JSON.stringify(jwk),
    }),
    fetchesOf: (name) => fetches.get(pathOf(name)) ?? 0,
    issueToken(subject, claims = {}) {
      const iat = Math.floor(Date.now() / 1000)
      return new SignJWT({
        iss: TOKEN_ISSUER,
        aud: TOKEN_AUDIENCE,
        sub: subject,
        client_id: 'bench',
        jti: crypto.randomUUID(),
        iat,
        exp: iat + TOKEN_LIFETIME_S,
        ...claims,
      })
        .setProtectedHeader({ alg: 'ES256', kid: jwk.kid, typ: 'at+jwt' })
        .sign(privateKey)
    },
    stop: () => server.close().closeAllConnections(),
  }
}
