/** better-auth with its organization plugin on D1: every request goes to its own handler. */
import { betterAuth } from 'better-auth'
import { createOptions } from './options.ts'

interface Bindings {
  readonly DB: D1Database
  readonly BETTER_AUTH_SECRET: string
}

type Auth = { handler(request: Request): Promise<Response> }

let auth: Auth | undefined

export default {
  fetch(request: Request, env: Bindings): Promise<Response> {
    auth ??= betterAuth(createOptions(env.DB, env.BETTER_AUTH_SECRET))
    return auth.handler(request)
  },
}
