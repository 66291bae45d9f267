/**
 * What the page knows, and what a person can do with it. Views read the state and call the actions.
 */
import type { TableChange } from '../../database.ts'
import type { Settings, Snapshot } from '../protocol.ts'
import type { Credential, Draft, Exchange } from './call.ts'
import { nameOf, type Target } from './organization.ts'
import type { Session } from './sign-in.ts'

/** An attempt to call, or to sign in for it. */
export interface Result {
  readonly draft: Draft
  /** The user that the path named when the call was made. */
  readonly target: Target | undefined
  /** Why there is no response, as a sentence. */
  readonly problem?: string
  readonly exchange?: Exchange
  /** The changes in the database; undefined if it could not be read. */
  readonly changes?: readonly TableChange[] | undefined
}

/** Everything that is shown. */
export interface State {
  readonly settings: Settings
  readonly snapshot: Snapshot
  /** Why the snapshot can be out of date. */
  readonly snapshotProblem: string | undefined
  readonly sessions: readonly Session[]
  readonly organizationID: string
  readonly draft: Draft
  readonly isBusy: boolean
  readonly result: Result | undefined
}

/** What a person can do. */
export interface Actions {
  showOrganization(id: string): void
  signIn(subject: string): void
  signOut(subject: string): void
  editDraft(changes: Partial<Draft>): void
  /** Puts a call into the form and moves the focus there; the person sends it. */
  prepare(changes: Partial<Draft>): void
  send(): void
}

/** A credential in words. */
export function describeCredential(credential: Credential, settings: Settings): string {
  switch (credential.kind) {
    case 'none':
      return 'No token'
    case 'expired':
      return `${nameOf(settings.administrator, settings)}, expired token`
    case 'service-account':
      return nameOf(settings.serviceAccount.id, settings)
    case 'person':
      return nameOf(credential.subject, settings)
    case 'altered':
      return `${nameOf(credential.subject, settings)}, altered token`
    case 'copied':
      return `A thief of the token of ${nameOf(credential.subject, settings)}`
  }
}

/** The subject that has to sign in before a credential can be used. */
export function findMissingSignIn({ draft, sessions }: Pick<State, 'draft' | 'sessions'>) {
  if (!('subject' in draft.credential)) return undefined
  const { subject } = draft.credential
  return sessions.some((session) => session.subject === subject) ? undefined : subject
}
