/**
 * The values that vitest.config.ts and the global setup provide, and the exports of the Worker under test.
 */
import type { D1Migration } from '@cloudflare/vitest-plugin'
import type { URLSearchParamsIterator } from 'node:url'
import type { Environment } from '../../src/config'

declare module 'vitest' {
  interface ProvidedContext {
    /** The files of `migrations/`, in order. */
    migrations: D1Migration[]
    /** The folder of the bundle as `wrangler deploy` would upload it; in Node alone. */
    bundle: string
  }
}

declare global {
  /** The runtime's own types say less of these iterators than Node's, which would keep a URL out of Node's API. */
  interface URLSearchParams {
    entries(): URLSearchParamsIterator<[string, string]>
    keys(): URLSearchParamsIterator<string>
    values(): URLSearchParamsIterator<string>
    [Symbol.iterator](): URLSearchParamsIterator<[string, string]>
  }

  namespace Cloudflare {
    interface Env extends Environment {}
    interface GlobalProps {
      mainModule: typeof import('../../src/index')
    }
  }
}
