/** better-auth with its organization plugin on D1. Its own handler takes every request. */
import { betterAuth } from 'better-auth'
import { createOptions } from './options.ts'

interface Bindings {
  readonly DB: D1Database
  readonly BETTER_AUTH_SECRET: string
}

let auth: { handler(request: Request): Promise<Response> } | undefined

export default {
  fetch(request: Request, env: Bindings): Promise<Response> {
    auth ??= betterAuth(createOptions(env.DB, env.BETTER_AUTH_SECRET))
    return auth.handler(request)
  },
}
