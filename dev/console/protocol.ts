/**
 * What the console's page and its server exchange.
 */

/** A row of a table, by column name, as D1 gives it. */
export type Row = Readonly<Record<string, string | number | null>>

/** The tables of the identity API that the page shows, in the order in which it shows their changes. */
export const TABLES = [
  'organizations',
  'users',
  'organization_users',
  'groups',
  'group_members',
  'group_roles',
  'service_accounts',
  'group_service_accounts',
  'global_role_bindings',
  'user_deletions',
] as const

/** A deletion event, as docs/events.md describes it. */
export interface DeletionEvent {
  readonly id: string
  readonly subject?: string
  readonly time: string
}

/** Every row of those tables at one moment, and the deletion events. */
export type Snapshot = Readonly<Record<(typeof TABLES)[number], readonly Row[]>> & {
  /** The last ones that the queue delivered, the latest first. */
  readonly events: readonly DeletionEvent[]
  /** How many are still in the outbox. */
  readonly pendingEvents: number
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

/** Tokens that a person cannot get by signing in at the page. */
export type ReadyMadeToken = 'expired' | 'service-account'
