/**
 * What the tests' surroundings have: values that vitest.config.ts and the global setup provide, and the exports of the
 * Worker under test.
 */
import type { D1Migration } from '@cloudflare/vitest-plugin'

declare module 'vitest' {
  interface ProvidedContext {
    /** The files of `migrations/`, in order. */
    migrations: D1Migration[]
    /** The folder of the bundle as `wrangler deploy` would upload it; in Node alone. */
    bundle: string
  }
}

declare global {
  namespace Cloudflare {
    interface GlobalProps {
      mainModule: typeof import('../../src/index')
    }
  }
}
