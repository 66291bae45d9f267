/**
 * What the page knows. Views read the state and call the actions of main.ts.
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

export function describeCredential(credential: Credential, settings: Settings): string {
  const subject = 'subject' in credential ? credential.subject : settings.administrator
  const name = nameOf(subject, settings)
  const words = {
    none: 'No token',
    expired: `${name}, expired token`,
    'service-account': nameOf(settings.serviceAccount.id, settings),
    person: name,
    altered: `${name}, altered token`,
    copied: `A thief with the token of ${name}`,
  }
  return words[credential.kind]
}

/** The subject that has to sign in before a credential can be used. */
export function findMissingSignIn({ draft, sessions }: Pick<State, 'draft' | 'sessions'>) {
  if (!('subject' in draft.credential)) return undefined
  const { subject } = draft.credential
  return sessions.some((session) => session.subject === subject) ? undefined : subject
}
