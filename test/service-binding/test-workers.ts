/**
 * Bundles the Workers of this folder, and the example's, for `startWorkers`: callers of the Worker under test, and what
 * stands between or beside them.
 */
import { build, type BuildOptions } from 'esbuild'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'smol-toml'
import { unstable_readConfig } from 'wrangler'
import type { LocalWorkersOptions } from '../support/node/local-workers'

/** A Worker as `startWorkers` takes it. */
export type TestWorker = NonNullable<LocalWorkersOptions['others']>[number]

/** The configuration of the Worker under test. */
export const identityConfig = unstable_readConfig(
  { config: 'wrangler.toml' },
  { hideWarnings: true },
)

async function bundle(what: Pick<BuildOptions, 'entryPoints' | 'stdin'>): Promise<string> {
  const { outputFiles } = await build({
    ...what,
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker'],
    external: ['cloudflare:*'],
  })
  return outputFiles[0]?.text ?? ''
}

/**
 * Bundles a file of `workers/`.
 *
 * @param file its name without `.ts`; the Worker's own name too, unless the options have another
 */
export async function buildTestWorker(
  file: string,
  options: Partial<TestWorker> = {},
): Promise<TestWorker> {
  return {
    name: file,
    modules: true,
    script: await bundle({ entryPoints: [join(import.meta.dirname, 'workers', `${file}.ts`)] }),
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

/**
 * The example's Worker, as its own wrangler.toml says.
 *
 * @param identity the name of the Worker that it is bound to, in the place of the one that the configuration names
 */
export async function buildConsoleBackend(identity?: string): Promise<TestWorker> {
  const config = unstable_readConfig({ config: 'examples/console-backend/wrangler.toml' })
  const services = config.services as { binding: string; service: string; entrypoint?: string }[]
  const bindings = services.map(({ binding, service, entrypoint }) => {
    const target = {
      name: identity ?? service,
      ...(entrypoint === undefined ? {} : { entrypoint }),
    }
    return [binding, target] as const
  })
  return {
    name: identity === undefined ? (config.name ?? '') : `${config.name}-of-${identity}`,
    modules: true,
    script: await bundle({ entryPoints: [config.main ?? ''] }),
    compatibilityDate: config.compatibility_date ?? '',
    serviceBindings: Object.fromEntries(bindings),
  }
}

/** The caller that docs/service-binding.md shows: what it puts into `wrangler.toml`, and its source. */
export async function readDocumentedCaller(): Promise<{ toml: string; source: string }> {
  const text = await readFile('docs/service-binding.md', 'utf8')
  const [, toml = ''] = /```toml\n(.*?)```/s.exec(text) ?? []
  const [, source = ''] = /```ts\n(.*?)```/s.exec(text) ?? []
  return { toml, source }
}

/** That caller as a Worker. */
export async function buildDocumentedCaller(): Promise<TestWorker> {
  const { toml, source } = await readDocumentedCaller()
  const { services } = parse(toml) as unknown as {
    services: { binding: string; service: string; entrypoint: string }[]
  }
  const bindings = services.map(({ binding, service, entrypoint }) => {
    return [binding, { name: service, entrypoint }] as const
  })
  return {
    name: 'documented-caller',
    modules: true,
    script: await bundle({ stdin: { contents: source, loader: 'ts' } }),
    compatibilityDate: identityConfig.compatibility_date ?? '',
    serviceBindings: Object.fromEntries(bindings),
  }
}
