/**
 * Bundles a Worker as wrangler does for a deployment: the same esbuild (the project's own), target, conditions,
 * definitions and minifier. A wrapper can stand around its default export.
 */
import { build } from 'esbuild'
import { gzipSync } from 'node:zlib'
import { BENCH, PROJECT } from './paths.ts'

export interface Bundle {
  readonly script: string
  readonly rawBytes: number
  readonly gzipBytes: number
}

export interface BundleOptions {
  /** Path of the Worker's entry file, from the project's folder. */
  readonly entry: string
  /** Stands around the Worker's default export: a file of `workers/wrap/` and the function in it. */
  readonly wrapper?: { readonly file: string; readonly name: string }
  /** Off for reading a profile; on, as deployed, for everything else. */
  readonly minify?: boolean
}

export async function bundleWorker(options: BundleOptions): Promise<Bundle> {
  const { entry, wrapper, minify = true } = options
  const source =
    wrapper === undefined
      ? { entryPoints: [`${PROJECT}${entry}`] }
      : {
          stdin: {
            contents: `import target from '${PROJECT}${entry}'
              import { ${wrapper.name} } from '${BENCH}workers/wrap/${wrapper.file}'
              export default ${wrapper.name}(target)`,
            resolveDir: BENCH,
            loader: 'ts' as const,
          },
        }
  const result = await build({
    ...source,
    bundle: true,
    write: false,
    outfile: 'worker.js',
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
    keepNames: true,
    minify,
    logLevel: 'silent',
  })
  const output = result.outputFiles[0]
  if (output === undefined) throw new Error(`esbuild wrote nothing for ${entry}`)
  return {
    script: output.text,
    rawBytes: output.contents.byteLength,
    gzipBytes: gzipSync(output.contents).byteLength,
  }
}
