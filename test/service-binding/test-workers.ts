/**
 * Bundles the Workers of this folder, and the example's, for `startWorkers`: callers of the Worker under test, and what
 * stands between or beside them.
 */
import { join } from 'node:path'
import { parse } from 'smol-toml'
import { compatibility, DATABASE, VARIABLES } from '../../dev/identity-worker.ts'
import { readWorker, type LocalWorker } from '../../dev/local-workers.ts'
import { readDocument } from '../operations/document'
import { bundleScript } from '../support/node/bundle'

/**
 * Bundles a file of `workers/`.
 *
 * @param file its name without `.ts`; the Worker's own name too, unless the options have another
 */
export async function buildTestWorker(
  file: string,
  options: Partial<LocalWorker> = {},
): Promise<LocalWorker> {
  return {
    name: file,
    modules: true,
    script: await bundleScript({
      entryPoints: [join(import.meta.dirname, 'workers', `${file}.ts`)],
    }),
    compatibilityDate: compatibility.compatibilityDate,
    ...options,
  } as LocalWorker
}

/** The Worker under test, watched: see workers/watched-identity.ts. */
export function buildWatchedIdentity(
  name: string,
  vars: Readonly<Record<string, string>>,
  database: string = DATABASE.DB,
): Promise<LocalWorker> {
  return buildTestWorker('watched-identity', {
    name,
    ...compatibility,
    bindings: { ...VARIABLES, ...vars },
    d1Databases: { DB: database },
  })
}

/**
 * The example's Worker, as its own wrangler.toml says.
 *
 * @param identity the name of the Worker that it is bound to, in the place of the one that the configuration names
 */
export async function buildConsoleBackend(identity?: string): Promise<LocalWorker> {
  const { name, main, options } = readWorker('examples/console-backend/wrangler.toml')
  const others = Object.entries(options.serviceBindings ?? {}).map(([binding, target]) => {
    return [binding, Object.assign({}, target, identity === undefined ? {} : { name: identity })]
  })
  return {
    ...options,
    name: identity === undefined ? name : `${name}-of-${identity}`,
    modules: true,
    script: await bundleScript({ entryPoints: [main] }),
    serviceBindings: Object.fromEntries(others),
  }
}

/**
 * The caller that README.md shows: what it puts into `wrangler.toml`, and its source; and the source that
 * docs/service-binding.md shows for tokens that are bound to a key.
 */
export async function readDocumentedCallers() {
  const { code } = (await readDocument('README.md')).section('From another Worker')
  const [toml, source] = code.map(({ text }) => text) as [string, string]
  const page = await readDocument('docs/service-binding.md')
  const dpopSource = page.section('Tokens bound to a key').code[0]!.text
  return { toml, source, dpopSource }
}

/** Those callers as Workers: `documented-caller`, and `documented-dpop-caller` for tokens that are bound to a key. */
export async function buildDocumentedCallers(): Promise<LocalWorker[]> {
  const { toml, source, dpopSource } = await readDocumentedCallers()
  const { services } = parse(toml) as unknown as {
    services: { binding: string; service: string; entrypoint: string }[]
  }
  const bindings = services.map(({ binding, service, entrypoint }) => {
    return [binding, { name: service, entrypoint }] as const
  })
  const sources = { 'documented-caller': source, 'documented-dpop-caller': dpopSource }
  return Promise.all(
    Object.entries(sources).map(async ([name, contents]) => ({
      name,
      modules: true,
      script: await bundleScript({ stdin: { contents, loader: 'ts' } }),
      compatibilityDate: compatibility.compatibilityDate,
      serviceBindings: Object.fromEntries(bindings),
    })),
  )
}
