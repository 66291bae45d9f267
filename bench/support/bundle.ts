/** Bundles a Worker as `wrangler deploy` does for this project: its esbuild, wrangler's options, and those of wrangler.toml. */
import * as esbuild from 'esbuild'
import { bundling } from '../../dev/identity-worker.ts'
import { ROOT } from '../../dev/wrangler.ts'

const bundles = new Map<string, Promise<string>>()

/**
 * The script of a Worker, bundled once a run.
 *
 * @param entry path of the entry file, from the project's folder
 * @param isWrapped puts `workers/wrapped.ts` around the Worker
 */
export function bundleWorker(entry: string, isWrapped: boolean): Promise<string> {
  const id = `${entry} ${isWrapped}`
  const bundle = bundles.get(id) ?? build(entry, isWrapped)
  bundles.set(id, bundle)
  return bundle
}

async function build(entry: string, isWrapped: boolean): Promise<string> {
  const contents = isWrapped
    ? `import target from '${ROOT}${entry}'
       import { wrap } from '${ROOT}bench/workers/wrapped.ts'
       export default wrap(target)`
    : `export * from '${ROOT}${entry}'; export { default } from '${ROOT}${entry}'`
  const result = await esbuild.build({
    stdin: { contents, resolveDir: ROOT, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    supported: { 'import-source': true, using: true },
    define: {
      'process.env.NODE_ENV': '"production"',
      'navigator.userAgent': '"Cloudflare-Workers"',
    },
    external: ['cloudflare:*', 'node:*'],
    ...bundling,
    logLevel: 'silent',
  })
  return result.outputFiles[0]!.text
}
