/**
 * Signs a person in at the OpenID provider: authorization code flow with PKCE (RFC 7636), done by openid-client. Tokens
 * and what the flow must remember live in this tab's session storage and end with it.
 */
import * as openid from 'openid-client'
import type { Settings } from '../protocol.ts'
import { load, save } from './storage.ts'

/** A person who has signed in. */
export interface Session {
  readonly subject: string
  readonly token: string
  /** Unix milliseconds. */
  readonly expiresAt: number
}

interface Pending {
  readonly verifier: string
  readonly state: string
}

const FALLBACK_LIFETIME_S = 300

/** The people who are signed in, the last one first; those whose token has expired are left out. */
export function loadSessions(): readonly Session[] {
  return load<readonly Session[]>('sessions', []).filter(({ expiresAt }) => expiresAt > Date.now())
}

/** Forgets a person's token in this tab; the provider's own session goes on. */
export function signOut(subject: string): void {
  save(
    'sessions',
    loadSessions().filter((session) => session.subject !== subject),
  )
}

/**
 * Leaves for the provider's page, which asks who it is.
 * @param hint the subject of the person who is meant, where it is known
 */
export async function signIn(settings: Settings, hint?: string): Promise<void> {
  const config = await discover(settings)
  const verifier = openid.randomPKCECodeVerifier()
  const state = openid.randomState()
  save('pending', { verifier, state } satisfies Pending)
  const url = openid.buildAuthorizationUrl(config, {
    redirect_uri: redirectURI(),
    scope: settings.scope,
    resource: settings.audience,
    state,
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    prompt: 'login', // the provider remembers the last person; this page wants to know anew
    ...(hint === undefined ? {} : { login_hint: hint }),
  })
  location.assign(url)
}

/**
 * Takes the answer that the provider's page comes back with, if this is one.
 * @returns the person who signed in
 * @throws Error where the provider said no, or the answer does not belong to a sign-in of this tab
 */
export async function finishSignIn(settings: Settings): Promise<Session | undefined> {
  const here = new URL(location.href)
  if (!here.searchParams.has('state')) return undefined
  history.replaceState(null, '', redirectURI()) // a code is good for one use; a reload must not repeat it
  const pending = load<Pending | undefined>('pending', undefined)
  save('pending', undefined)
  if (pending === undefined) throw new Error('This answer belongs to no sign-in of this tab.')
  const tokens = await openid.authorizationCodeGrant(
    await discover(settings),
    here,
    { pkceCodeVerifier: pending.verifier, expectedState: pending.state, idTokenExpected: true },
    { resource: settings.audience },
  )
  const subject = tokens.claims()?.sub ?? ''
  const lifetime = tokens.expires_in ?? FALLBACK_LIFETIME_S
  const session = { subject, token: tokens.access_token, expiresAt: Date.now() + lifetime * 1000 }
  signOut(subject)
  save('sessions', [session, ...loadSessions()])
  return session
}

/** In words, why a sign-in did not end well. */
export function explainSignIn(error: unknown): string {
  if (error instanceof openid.AuthorizationResponseError) {
    return error.error_description ?? error.error
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
