/**
 * Gets access tokens from the local provider as programs do: a person's by the authorization code flow with PKCE, a
 * service account's by client credentials. The protocol is openid-client's; what a person does in a browser, one
 * click, is done here with a cookie jar.
 */
import makeFetchCookie from 'fetch-cookie'
import * as openid from 'openid-client'
import { AUDIENCE, CLI, SCOPE, type LoopbackClient } from './provider.ts'

const MAX_PAGES = 10
const insecure = { execute: [openid.allowInsecureRequests] } // http: the issuer is on loopback

/**
 * An access token of a person, who signs in at the provider's pages.
 * @param keyPair binds the token to this key (DPoP); without it, the token is a bearer token
 */
export async function signIn(
  issuer: string,
  subject: string,
  client: LoopbackClient = CLI,
  keyPair?: openid.CryptoKeyPair,
): Promise<string> {
  const config = await openid.discovery(
    new URL(issuer),
    client.clientID,
    undefined,
    openid.None(),
    insecure,
  )
  const pkceCodeVerifier = openid.randomPKCECodeVerifier()
  const expectedState = openid.randomState()
  const start = openid.buildAuthorizationUrl(config, {
    redirect_uri: client.redirectURI,
    scope: `openid ${SCOPE}`,
    resource: AUDIENCE,
    state: expectedState,
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  })
  const callback = await walkPages(start, subject, client.redirectURI)
  const checks = { pkceCodeVerifier, expectedState, idTokenExpected: true }
  const tokens = await openid.authorizationCodeGrant(
    config,
    callback,
    checks,
    { resource: AUDIENCE },
    bindTo(config, keyPair),
  )
  return tokens.access_token
}

/** An access token of a service account; as in `signIn`, a key pair binds it. */
export async function signInServiceAccount(
  issuer: string,
  id: string,
  secret: string,
  keyPair?: openid.CryptoKeyPair,
): Promise<string> {
  const authentication = openid.ClientSecretBasic(secret)
  const config = await openid.discovery(new URL(issuer), id, undefined, authentication, insecure)
  const tokens = await openid.clientCredentialsGrant(
    config,
    { resource: AUDIENCE, scope: SCOPE },
    bindTo(config, keyPair),
  )
  return tokens.access_token
}

function bindTo(config: openid.Configuration, keyPair?: openid.CryptoKeyPair): openid.DPoPOptions {
  return keyPair === undefined ? {} : { DPoP: openid.getDPoPHandle(config, keyPair) }
}

/** Follows the provider's pages from the authorization request to the redirect that carries the code. */
async function walkPages(start: URL, subject: string, redirectURI: string): Promise<URL> {
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
      if (at.href.startsWith(redirectURI)) return at
      form = undefined
    } else {
      form = pressButton(await response.text(), subject)
    }
  }
  throw new Error(`The provider's pages did not end after ${MAX_PAGES} steps, at ${at.href}`)
}

function pressButton(html: string, subject: string): URLSearchParams {
  if (html.includes(`name="subject" value="${subject}"`)) return new URLSearchParams({ subject })
  throw new Error(`The provider's page does not offer "${subject}":\n${html}`)
}
