/**
 * What the console's page and its server exchange.
 */
import type { Tables } from '../database.ts'

/** A deletion event, as docs/events.md describes it. */
export interface DeletionEvent {
  readonly id: string
  readonly subject?: string
  readonly time: string
}

export interface Snapshot extends Tables {
  /** The last events that the queue delivered, the latest first. */
  readonly events: readonly DeletionEvent[]
}

/** What the page needs to know about the local stack. */
export interface Settings {
  /** Origin of the Worker, which is not the origin of the page. */
  readonly worker: string
  readonly issuer: string
  readonly audience: string
  readonly scope: string
  readonly clientID: string
  /** The people who can sign in. The provider knows their names; the database does not. */
  readonly people: readonly { readonly subject: string; readonly name: string }[]
  /** Subject of an administrator: the recommended person, and the subject of the expired token. */
  readonly administrator: string
  readonly serviceAccount: { readonly id: string; readonly name: string }
  /** Whether the Worker runs with KEEP_LAST_ADMINISTRATOR. */
  readonly keepsLastAdministrator: boolean
}
