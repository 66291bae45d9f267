/**
 * Bundles the Workers of this folder, and the example's, for `startWorkers`: callers of the Worker under test, and what
 * stands between or beside them.
 */
import { build } from 'esbuild'
import { join } from 'node:path'
import { unstable_readConfig } from 'wrangler'
import type { LocalWorkersOptions } from '../support/node/local-workers'

/** A Worker as `startWorkers` takes it. */
export type TestWorker = NonNullable<LocalWorkersOptions['others']>[number]

/** The configuration of the Worker under test. */
export const identityConfig = unstable_readConfig(
  { config: 'wrangler.toml' },
  { hideWarnings: true },
)

/**
 * Bundles a file of `workers/`.
 *
 * @param file its name without `.ts`; the Worker's own name too, unless the options have another
 */
export async function buildTestWorker(
  file: string,
  options: Partial<TestWorker> = {},
): Promise<TestWorker> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'workers', `${file}.ts`)],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker'],
    external: ['cloudflare:*'],
  })
  return {
    name: file,
    modules: true,
    script: outputFiles[0]?.text ?? '',
    compatibilityDate: identityConfig.compatibility_date ?? '',
    ...options,
  } as TestWorker
}

/** The Worker under test, watched: see workers/watched-identity.ts. */
export function buildWatchedIdentity(
  name: string,
  vars: Readonly<Record<string, string>>,
  database = 'identity',
): Promise<TestWorker> {
  return buildTestWorker('watched-identity', {
    name,
    compatibilityFlags: identityConfig.compatibility_flags,
    bindings: { ...identityConfig.vars, ...vars },
    d1Databases: { DB: database },
  })
}
