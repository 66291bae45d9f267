/**
 * A real OpenID provider for the local stack: oidc-provider over the people of seed-data.ts, on plain HTTP and loopback.
 * Access tokens are JWTs of RFC 9068, signed ES256, valid for an hour. There are no passwords: anyone who reaches the
 * page can sign in as any person, so it is never deployed.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  interactionPolicy,
  Provider,
  type ClientMetadata,
  type Configuration,
  type KoaContextWithOIDC,
} from 'oidc-provider'
import { createMemoryAdapter } from 'oidc-provider/lib/adapters/memory_adapter.js'
import { handleInteraction, renderError } from './provider-pages.ts'
import type { ProviderSecrets } from './provider-secrets.ts'
import { people } from './seed-data.ts'

/** The `aud` of the access tokens: the resource indicator (RFC 8707) of the identity API. */
export const AUDIENCE = 'https://identity.example/api'

/** The one scope of the identity API; the Worker requires it only if REQUIRED_SCOPE names it. */
export const SCOPE = 'users:delete'

/** A public client with PKCE and a loopback redirect (RFC 8252). */
export interface LoopbackClient {
  readonly clientID: string
  readonly redirectURI: string
}

/** A program on this machine. */
export const CLI: LoopbackClient = {
  clientID: 'local-cli',
  redirectURI: 'http://127.0.0.1/callback',
}

/** As CLI, but the provider dates its tokens two hours back, as if it had signed in then: they have expired. */
export const LATE_CLI: LoopbackClient = { ...CLI, clientID: 'local-cli-two-hours-ago' }

const CLOCK_TOLERANCE_S = 15
const TOKEN_LIFETIME_S = 3600
const LATE_S = 2 * 3600
const DAY_S = 86_400

/** A provider that listens. */
export interface RunningProvider {
  readonly issuer: string
  readonly jwksURL: string
  stop(): Promise<void>
}

/**
 * Starts the provider; the issuer's name contains the port. 0 takes a free one.
 * @param clients further clients, such as a page that signs people in; their origins may call the token endpoint
 */
export async function runProvider(
  port: number,
  secrets: ProviderSecrets,
  clients: readonly ClientMetadata[] = [],
): Promise<RunningProvider> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider = new Provider(issuer, configure(secrets, clients))
  provider.on('server_error', (_context, error) => console.error('OpenID provider:', error))
  const respond = provider.callback()
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (rejectForeignHost(request, response, issuer)) return
    void (request.url?.startsWith('/interaction/')
      ? handleInteraction(provider, request, response)
      : respond(request, response))
  })
  return {
    issuer,
    jwksURL: `${issuer}/jwks`,
    async stop() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/**
 * Rejects a request for another host name with 403; returns whether it did. A name that an attacker points at 127.0.0.1
 * (DNS rebinding) would make this server part of the attacker's origin.
 */
export function rejectForeignHost(
  request: IncomingMessage,
  response: ServerResponse,
  origin: string,
): boolean {
  if (`http://${request.headers.host}` === origin) return false
  response
    .writeHead(403, { 'Content-Type': 'text/plain; charset=utf-8' })
    .end(`This server has one address. Open it instead: ${origin}/\n`)
  return true
}

function configure(secrets: ProviderSecrets, clients: readonly ClientMetadata[]): Configuration {
  return {
    adapter: createMemoryAdapter(CLOCK_TOLERANCE_S),
    clockTolerance: CLOCK_TOLERANCE_S,
    jwks: { keys: [...secrets.jwks.keys] },
    cookies: { keys: [secrets.cookieKey] },
    clients: [publicClient(CLI), publicClient(LATE_CLI), ...machineClients(secrets), ...clients],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    responseTypes: ['code'],
    scopes: ['openid', 'profile', 'email', SCOPE],
    claims: { openid: ['sub'], profile: ['name'], email: ['email'] },
    findAccount(_context, subject) {
      const person = people.find((candidate) => candidate.subject === subject)
      if (person === undefined) return undefined
      const { name, email } = person
      return { accountId: subject, claims: () => ({ sub: subject, name, email }) }
    },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: SCOPE,
          audience: AUDIENCE,
          accessTokenFormat: 'jwt',
          accessTokenTTL: TOKEN_LIFETIME_S,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    formats: {
      customizers: {
        jwt(_context, { clientId }, { payload }) {
          if (clientId !== LATE_CLI.clientID) return
          payload['iat'] = Number(payload['iat']) - LATE_S
          payload['exp'] = Number(payload['exp']) - LATE_S
        },
      },
    },
    ttl: {
      AccessToken: TOKEN_LIFETIME_S,
      ClientCredentials: TOKEN_LIFETIME_S,
      IdToken: TOKEN_LIFETIME_S,
      Interaction: TOKEN_LIFETIME_S,
      Grant: DAY_S,
      Session: DAY_S,
    },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}`, policy: loginOnly() },
    loadExistingGrant: grantEverything,
    renderError,
    clientBasedCORS: (_context, origin, client) =>
      (client.redirectUris ?? []).some((uri) => new URL(uri).origin === origin),
  }
}

/** The provider asks who signs in and nothing else: its clients are all parts of the local stack. */
function loginOnly() {
  const policy = interactionPolicy.base()
  policy.remove('consent')
  return policy
}

/** In place of a consent page: each client may have every scope. */
async function grantEverything({ oidc }: KoaContextWithOIDC) {
  const accountId = oidc.session?.accountId
  const clientId = oidc.client?.clientId
  if (accountId === undefined || clientId === undefined) return undefined
  const grant = new oidc.provider.Grant({ accountId, clientId })
  grant.addOIDCScope('openid profile email')
  grant.addResourceScope(AUDIENCE, SCOPE)
  await grant.save()
  return grant
}

function publicClient({ clientID, redirectURI }: LoopbackClient) {
  return {
    client_id: clientID,
    client_name: 'A program on this machine',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: [redirectURI],
  } satisfies ClientMetadata
}

/** A service account is a client whose ID is its own, so that it is the `sub` of its tokens too. */
function machineClients({ serviceAccounts }: ProviderSecrets): ClientMetadata[] {
  return Object.entries(serviceAccounts).map(([id, secret]) => ({
    client_id: id,
    client_secret: secret,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
  }))
}
