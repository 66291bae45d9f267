/**
 * Signs people in at the OpenID provider: authorization code flow with PKCE (RFC 7636), by openid-client. Tokens are
 * bound to the key of this browser (proof.ts). They stay in the session storage of this tab and end with it.
 */
import * as openid from 'openid-client'
import type { Settings } from '../protocol.ts'
import { loadKeyPair } from './proof.ts'

export interface Session {
  readonly subject: string
  readonly token: string
  /** Unix milliseconds. */
  readonly expiresAt: number
}

const FALLBACK_LIFETIME_S = 300

/** Reads a value from the session storage of this tab; `fallback` if there is none. */
export function load<T>(name: string, fallback: T): T {
  const text = sessionStorage.getItem(name)
  return text === null ? fallback : (JSON.parse(text) as T)
}

/** Writes a value into the session storage of this tab; undefined removes it. */
export function save(name: string, value: unknown): void {
  if (value === undefined) sessionStorage.removeItem(name)
  else sessionStorage.setItem(name, JSON.stringify(value))
}

/** The people who are signed in, the latest first, without those whose token has expired. */
export function loadSessions(): readonly Session[] {
  return load<readonly Session[]>('sessions', []).filter(({ expiresAt }) => expiresAt > Date.now())
}

/** Forgets a person's token in this tab. The provider's own session continues. */
export function signOut(subject: string): void {
  save(
    'sessions',
    loadSessions().filter((session) => session.subject !== subject),
  )
}

/**
 * Leaves for the provider's page, which asks who signs in.
 * @param subject the person that the page recommends
 */
export async function signIn(settings: Settings, subject: string): Promise<void> {
  const config = await discover(settings)
  const pkceCodeVerifier = openid.randomPKCECodeVerifier()
  const expectedState = openid.randomState()
  save('pending', { pkceCodeVerifier, expectedState })
  const url = openid.buildAuthorizationUrl(config, {
    redirect_uri: redirectURI(),
    scope: settings.scope,
    resource: settings.audience,
    state: expectedState,
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    prompt: 'login', // else the provider signs in the last person without a question
    login_hint: subject,
  })
  location.assign(url)
}

/**
 * Completes a sign-in if the provider has just sent the browser back to this page.
 * @returns the subject that signed in
 * @throws Error if the provider refused, or if this tab did not start the sign-in
 */
export async function finishSignIn(settings: Settings): Promise<string | undefined> {
  const here = new URL(location.href)
  if (!here.searchParams.has('state')) return undefined
  history.replaceState(null, '', redirectURI()) // a code is valid once; a reload must not send it again
  const pending = load<openid.AuthorizationCodeGrantChecks | undefined>('pending', undefined)
  save('pending', undefined)
  if (pending === undefined) throw new Error('this tab did not start that sign-in.')
  const config = await discover(settings)
  const tokens = await openid.authorizationCodeGrant(
    config,
    here,
    { ...pending, idTokenExpected: true },
    { resource: settings.audience },
    { DPoP: openid.getDPoPHandle(config, await loadKeyPair()) },
  )
  const subject = tokens.claims()?.sub ?? ''
  const lifetime = tokens.expires_in ?? FALLBACK_LIFETIME_S
  const session = { subject, token: tokens.access_token, expiresAt: Date.now() + lifetime * 1000 }
  signOut(subject)
  save('sessions', [session, ...loadSessions()])
  return subject
}

export function explainSignIn(error: unknown, { issuer }: Settings): string {
  if (
    error instanceof openid.AuthorizationResponseError ||
    error instanceof openid.ResponseBodyError
  ) {
    return error.error_description ?? error.error
  }
  if (error instanceof TypeError) {
    return `the provider at ${issuer} does not respond. Start the local stack again with "npm start".`
  }
  return error instanceof Error ? error.message : String(error)
}

function redirectURI(): string {
  return `${location.origin}/`
}

function discover({ issuer, clientID }: Settings): Promise<openid.Configuration> {
  return openid.discovery(new URL(issuer), clientID, undefined, openid.None(), {
    execute: [openid.allowInsecureRequests], // http: the issuer is on loopback
  })
}
