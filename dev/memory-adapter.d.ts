/** oidc-provider's own store in memory; its types package leaves it out. */
declare module 'oidc-provider/lib/adapters/memory_adapter.js' {
  import type { AdapterConstructor } from 'oidc-provider'
  /** A store of its own; what has expired stays for the clock tolerance, in seconds. */
  export function createMemoryAdapter(clockTolerance: number): AdapterConstructor
}
