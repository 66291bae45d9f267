/**
 * What can be made to go wrong with one request, and what was seen of it. A plan is filed under the request's ID before
 * the request is sent, so the request itself reaches the Worker as any other does.
 */

/** When a call of D1 goes wrong. */
export type DatabaseFault =
  /** Before anything was sent. */
  | { readonly at: 'before'; readonly message: string; readonly delayMs?: number }
  /** In the transaction, after so many of its statements: it is rolled back. */
  | { readonly at: 'inside'; readonly statements: number; readonly message: string }
  /** Its answer is lost, after the commit or so long before it. */
  | { readonly at: 'after'; readonly message: string; readonly delayMs?: number }
  /** Nothing is sent, and no answer comes. */
  | { readonly at: 'hang' }
  /** It commits, at once or after some time, and no answer comes. */
  | { readonly at: 'hang after'; readonly delayMs?: number }
  /** Nothing goes wrong at this attempt. */
  | { readonly at: 'never' }

/** What to do with one request. */
export interface Plan {
  /** Variables of this request's environment. */
  readonly vars?: Readonly<Record<string, unknown>>
  /** One for each attempt; attempts beyond them go well. */
  readonly database?: readonly DatabaseFault[]
  /** Uses the database that was never migrated. */
  readonly unmigrated?: boolean
  /** How the Cache API behaves. */
  readonly cache?: 'hangs' | 'throws' | { readonly holds: string }
  /** The time at which the clock stands during the request, in Unix milliseconds; else it runs. */
  readonly now?: number
  /** Nothing outlives the caller: what is handed to `waitUntil` ends with the connection. */
  readonly mortal?: boolean
}

/** What a request asked of the platform. */
export interface Report {
  /** Batches sent to D1, failed ones too. */
  readonly batches: number
  /** Statements in those batches. */
  readonly statements: number
  readonly fetches: number
  readonly cacheReads: number
  readonly cacheWrites: number
  /** Milliseconds of each timer that was set. */
  readonly timers: readonly number[]
  /** What was written to the log beside the request's line. */
  readonly warnings: readonly string[]
}

/** Where the harness runs a sweep, half a minute ahead of the clock: POST. */
export const SWEEP = '/harness/sweep'

/** Where the harness listens for its own sake: PUT a plan at this path and the request's ID, GET its report there. */
export const PLANS = '/harness/plans/'
