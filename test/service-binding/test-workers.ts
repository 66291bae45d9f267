/**
 * Bundles Workers for `startWorkers`: those of `workers/`, and the callers that the documents show.
 */
import { join } from 'node:path'
import { parse } from 'smol-toml'
import { compatibility, DATABASE, VARIABLES } from '../../dev/identity-worker.ts'
import type { LocalWorker } from '../../dev/local-workers.ts'
import { readDocument } from '../operations/document'
import { bundleScript } from '../support/node/bundle'

/**
 * Bundles a file of `workers/`.
 *
 * @param file its name without `.ts`; also the name of the Worker if the options have none
 */
export async function buildTestWorker(
  file: string,
  options: Partial<LocalWorker> = {},
): Promise<LocalWorker> {
  const path = join(import.meta.dirname, 'workers', `${file}.ts`)
  return {
    name: file,
    modules: true,
    script: await bundleScript({ entryPoints: [path] }),
    compatibilityDate: compatibility.compatibilityDate,
    ...options,
  } as LocalWorker
}

/** The Worker under test with its database watched (workers/watched-identity.ts). */
export function buildWatchedIdentity(
  name: string,
  vars: Readonly<Record<string, string>>,
  options: Partial<LocalWorker> = {},
): Promise<LocalWorker> {
  return buildTestWorker('watched-identity', {
    name,
    ...compatibility,
    d1Databases: DATABASE,
    ...options,
    bindings: { ...VARIABLES, ...vars },
  })
}

/** Bindings to the entrypoint `Identity` of Workers, each under the Worker's name. */
export function bindTo(...names: readonly string[]): Pick<LocalWorker, 'serviceBindings'> {
  const bindings = names.map((name) => [name, { name, entrypoint: 'Identity' }])
  return { serviceBindings: Object.fromEntries(bindings) as never }
}

/** The caller in README.md: its lines for `wrangler.toml` and its source; and the source in docs/service-binding.md. */
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
  const bindings = services.map(({ binding, service: name, entrypoint }) => {
    return [binding, { name, entrypoint }]
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
