/**
 * better-auth's options, as its documents advise for speed: the session comes from a signed cookie (`cookieCache`), and
 * related rows from one joined query. Teams stand for groups. There is no rate limit, since all requests have one caller.
 */
import type { BetterAuthOptions } from 'better-auth'
import { organization } from 'better-auth/plugins/organization'

export const BASE_URL = 'http://127.0.0.1'

const COOKIE_CACHE_S = 60 * 60

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
