/**
 * What the page knows at a moment, and what a person can do with it. Views read the one and call the other.
 */
import type { Settings, Snapshot } from '../protocol.ts'
import type { Answer, Credential, Draft, SentRequest } from './call.ts'
import type { TableChange } from './changes.ts'
import { nameOf } from './organization.ts'
import type { Session } from './sign-in.ts'

/** A call that was made. */
export interface Result {
  readonly at: Date
  readonly durationMs: number
  /** Whose token it was, in words. */
  readonly who: string
  readonly request: SentRequest
  /** Undefined where the browser showed no answer. */
  readonly answer: Answer | undefined
  readonly changes: readonly TableChange[]
}

/** Everything that is shown. */
export interface State {
  readonly settings: Settings
  readonly snapshot: Snapshot
  readonly sessions: readonly Session[]
  readonly organizationID: string
  readonly draft: Draft
  readonly isBusy: boolean
  /** The calls made, the latest first. */
  readonly results: readonly Result[]
  /** A message for the person: what went wrong outside a call. */
  readonly notice: string | undefined
}

/** What a person can do. */
export interface Actions {
  showOrganization(id: string): void
  signIn(hint?: string): void
  signOut(subject: string): void
  editDraft(changes: Partial<Draft>): void
  /** Puts a call into the form and goes there, for the person to send it. */
  prepare(draft: Draft): void
  send(): void
  dismissNotice(): void
}

/** Whose token a credential is, in words. */
export function describeCredential(credential: Credential, settings: Settings): string {
  switch (credential.kind) {
    case 'none':
      return 'nobody (no token)'
    case 'expired':
      return `${nameOf(settings.expiredSubject, settings)}, expired an hour ago`
    case 'service-account':
      return nameOf(settings.serviceAccount.id, settings)
    case 'person':
      return nameOf(credential.subject, settings)
    case 'altered':
      return `${nameOf(credential.subject, settings)}, one character changed`
  }
}

/** Whether two credentials are the same. */
export function isSameCredential(a: Credential, b: Credential): boolean {
  return keyOf(a) === keyOf(b)
}

/** A credential as one word, for a form's option. */
export function keyOf(credential: Credential): string {
  return 'subject' in credential ? `${credential.kind} ${credential.subject}` : credential.kind
}

/** The subject that has to be signed in before a credential can be used; undefined where nobody has to. */
export function whoMustSignIn(
  credential: Credential,
  sessions: readonly Session[],
): string | undefined {
  if (!('subject' in credential)) return undefined
  const { subject } = credential
  return sessions.some((session) => session.subject === subject) ? undefined : subject
}
