/** The in-memory store of oidc-provider, which its types package leaves out. */
declare module 'oidc-provider/lib/adapters/memory_adapter.js' {
  import type { AdapterConstructor } from 'oidc-provider'
  export function createMemoryAdapter(): AdapterConstructor
}
