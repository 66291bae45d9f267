/**
 * Gets access tokens from the local provider as programs do, by openid-client: a person's by the authorization code
 * flow with PKCE, a service account's by client credentials. A cookie jar takes the place of the person's browser.
 */
import makeFetchCookie from 'fetch-cookie'
import * as openid from 'openid-client'
import { AUDIENCE, CALLBACK, CLI, SCOPE } from './provider.ts'

const MAX_PAGES = 10

/**
 * An access token of a person, who signs in at the provider's pages.
 * @param keyPair binds the token to this key (DPoP); without it, the token is a bearer token
 */
export async function signIn(
  issuer: string,
  subject: string,
  clientID = CLI,
  keyPair?: openid.CryptoKeyPair,
): Promise<string> {
  const config = await discover(issuer, clientID, openid.None())
  const pkceCodeVerifier = openid.randomPKCECodeVerifier()
  const expectedState = openid.randomState()
  const start = openid.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope: `openid ${SCOPE}`,
    resource: AUDIENCE,
    state: expectedState,
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  })
  const callback = await walkPages(start, subject)
  const checks = { pkceCodeVerifier, expectedState, idTokenExpected: true }
  const options = bindTo(config, keyPair)
  const parameters = { resource: AUDIENCE }
  const tokens = await openid.authorizationCodeGrant(config, callback, checks, parameters, options)
  return tokens.access_token
}

/** An access token of a service account; as in `signIn`, a key pair binds it. */
export async function signInServiceAccount(
  issuer: string,
  id: string,
  secret: string,
  keyPair?: openid.CryptoKeyPair,
): Promise<string> {
  const config = await discover(issuer, id, openid.ClientSecretBasic(secret))
  const parameters = { resource: AUDIENCE, scope: SCOPE }
  const options = bindTo(config, keyPair)
  return (await openid.clientCredentialsGrant(config, parameters, options)).access_token
}

function discover(issuer: string, clientID: string, authentication: openid.ClientAuth) {
  return openid.discovery(new URL(issuer), clientID, undefined, authentication, {
    execute: [openid.allowInsecureRequests], // http: the issuer is on loopback
  })
}

function bindTo(config: openid.Configuration, keyPair?: openid.CryptoKeyPair): openid.DPoPOptions {
  return keyPair === undefined ? {} : { DPoP: openid.getDPoPHandle(config, keyPair) }
}

/** Follows the provider's pages from the authorization request to the redirect that carries the code. */
async function walkPages(start: URL, subject: string): Promise<URL> {
  const browse = makeFetchCookie(fetch)
  let at = start
  let form: URLSearchParams | undefined
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const response = await browse(at, {
      redirect: 'manual',
      ...(form === undefined ? {} : { method: 'POST', body: form }),
    })
    const location = response.headers.get('Location')
    if (location !== null) {
      at = new URL(location, at)
      if (at.href.startsWith(CALLBACK)) return at
      form = undefined
    } else {
      const html = await response.text()
      if (!html.includes(`name="subject" value="${subject}"`)) {
        throw new Error(`The provider's page does not offer "${subject}":\n${html}`)
      }
      form = new URLSearchParams({ subject })
    }
  }
  throw new Error(`The provider's pages did not end after ${MAX_PAGES} steps, at ${at.href}`)
}
