import type { D1Migration } from '@cloudflare/vitest-plugin'

declare module 'vitest' {
  /** What vitest.config.ts and the global setup hand to every test. */
  interface ProvidedContext {
    /** The files of `migrations/`, in order. */
    migrations: D1Migration[]
    /** The folder of the bundle as `wrangler deploy` would upload it; in Node alone. */
    bundle: string
  }
}
