/**
 * better-auth's options for the comparison, as its documents advise for speed: the session is read from a signed
 * cookie (`cookieCache`) and rows that belong together by one joined query (`database.joins`). Teams stand for the
 * groups. The rate limit is off, since it would count every request of a measurement as one caller's.
 */
import type { BetterAuthOptions } from 'better-auth'
import { organization } from 'better-auth/plugins/organization'

export const BASE_URL = 'http://127.0.0.1'

/** Long enough for a measurement; the documents' example has five minutes. */
const COOKIE_CACHE_S = 60 * 60

/** The options, for the database that the caller names. */
export function createOptions(
  database: NonNullable<BetterAuthOptions['database']>,
  secret: string,
) {
  return {
    database,
    secret,
    baseURL: BASE_URL,
    emailAndPassword: { enabled: true },
    session: { cookieCache: { enabled: true, maxAge: COOKIE_CACHE_S } },
    rateLimit: { enabled: false },
    advanced: { database: { joins: true } },
    plugins: [organization({ teams: { enabled: true } })],
  } satisfies BetterAuthOptions
}
