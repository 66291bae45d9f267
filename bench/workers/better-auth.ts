/**
 * better-auth with its organization plugin on D1, as its documents advise for speed: the session comes from a signed
 * cookie (`cookieCache`), and related rows from one joined query. Teams stand for groups. There is no rate limit, since
 * all requests have one caller.
 */
import { betterAuth, type BetterAuthOptions } from 'better-auth'
import { organization } from 'better-auth/plugins/organization'

interface Bindings {
  readonly DB: D1Database
  readonly BETTER_AUTH_SECRET: string
}

const COOKIE_CACHE_S = 60 * 60

export function createOptions(database: BetterAuthOptions['database'], secret: string) {
  return {
    database,
    secret,
    baseURL: 'http://127.0.0.1',
    emailAndPassword: { enabled: true },
    session: { cookieCache: { enabled: true, maxAge: COOKIE_CACHE_S } },
    rateLimit: { enabled: false },
    advanced: { database: { joins: true } },
    plugins: [organization({ teams: { enabled: true } })],
  } satisfies BetterAuthOptions
}

let auth: { handler(request: Request): Promise<Response> } | undefined

export default {
  fetch(request: Request, env: Bindings): Promise<Response> {
    auth ??= betterAuth(createOptions(env.DB, env.BETTER_AUTH_SECRET))
    return auth.handler(request)
  },
}
