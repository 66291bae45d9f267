/**
 * The OpenID provider of the local stack: oidc-provider over the people of seed-data.ts, on plain HTTP and loopback.
 * Access tokens are JWTs (RFC 9068), signed with ES256, valid for an hour. There are no passwords: anyone who reaches
 * the page can sign in as any person. Never deployed.
 */
import {
  interactionPolicy,
  Provider,
  type ClientMetadata,
  type Configuration,
  type KoaContextWithOIDC,
} from 'oidc-provider'
import { createMemoryAdapter } from 'oidc-provider/lib/adapters/memory_adapter.js'
import { serve } from './loopback-server.ts'
import { handleInteraction, renderError } from './provider-pages.ts'
import type { ProviderSecrets } from './provider-secrets.ts'
import { people } from './seed-data.ts'

/** The `aud` of the access tokens: the resource indicator (RFC 8707) of the identity API. */
export const AUDIENCE = 'https://identity.example/api'

/** The scope of the identity API; the Worker requires it if REQUIRED_SCOPE names it. */
export const SCOPE = 'users:delete'

/** The client ID of a program on this machine: a public client with PKCE and a loopback redirect (RFC 8252). */
export const CLI = 'local-cli'

/** As CLI, but the provider dates its tokens two hours back, so they have expired. */
export const LATE_CLI = 'local-cli-two-hours-ago'

/** The redirect URI of both. */
export const CALLBACK = 'http://127.0.0.1/callback'

const TOKEN_LIFETIME_S = 3600
const LATE_S = 2 * 3600
const DAY_S = 86_400

/** A provider that listens. */
export type RunningProvider = Awaited<ReturnType<typeof runProvider>>

/**
 * Starts the provider on a TCP port, which is part of the issuer's name; 0 takes a free one.
 * @param clients further clients, such as a page that signs people in; their origins may call the token endpoint
 */
export async function runProvider(
  port: number,
  secrets: ProviderSecrets,
  clients: readonly ClientMetadata[] = [],
) {
  const server = await serve(port, (issuer) => {
    const provider = new Provider(issuer, configure(secrets, clients))
    provider.on('server_error', (_context, error) => console.error('OpenID provider:', error))
    const respond = provider.callback()
    return (request, response) =>
      void (request.url?.startsWith('/interaction/')
        ? handleInteraction(provider, request, response)
        : respond(request, response))
  })
  const { origin } = server
  return { issuer: origin, jwksURL: `${origin}/jwks`, stop: () => server.stop() }
}

function configure(secrets: ProviderSecrets, clients: readonly ClientMetadata[]): Configuration {
  return {
    adapter: createMemoryAdapter(),
    jwks: { keys: [...secrets.jwks.keys] },
    cookies: { keys: [secrets.cookieKey] },
    clients: [publicClient(CLI), publicClient(LATE_CLI), ...machineClients(secrets), ...clients],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    responseTypes: ['code'],
    scopes: ['openid', SCOPE],
    findAccount: (_context, subject) =>
      people.some((person) => person.subject === subject)
        ? { accountId: subject, claims: () => ({ sub: subject }) }
        : undefined,
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
          if (clientId !== LATE_CLI) return
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

/** Asks who signs in, and asks for no consent: all clients are parts of the local stack. */
function loginOnly() {
  const policy = interactionPolicy.base()
  policy.remove('consent')
  return policy
}

/** Grants each client every scope, in place of a consent page. */
async function grantEverything({ oidc }: KoaContextWithOIDC) {
  const accountId = oidc.session?.accountId
  const clientId = oidc.client?.clientId
  if (accountId === undefined || clientId === undefined) return undefined
  const grant = new oidc.provider.Grant({ accountId, clientId })
  grant.addOIDCScope('openid')
  grant.addResourceScope(AUDIENCE, SCOPE)
  await grant.save()
  return grant
}

function publicClient(client_id: string): ClientMetadata {
  return {
    client_id,
    client_name: 'A program on this machine',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: [CALLBACK],
  }
}

/** Clients for the service accounts. The client ID is the account's ID, so it is also the `sub` of the tokens. */
function machineClients({ serviceAccounts }: ProviderSecrets): ClientMetadata[] {
  return Object.entries(serviceAccounts).map(([id, secret]) => ({
    client_id: id,
    client_secret: secret,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
  }))
}
