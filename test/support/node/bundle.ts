import { build, type BuildOptions } from 'esbuild'

/**
 * Bundles a Worker of a test.
 *
 * @param deployed leaves the import of src/index as `./index.js`, the deployed bundle
 */
export async function bundleScript(
  source: Pick<BuildOptions, 'entryPoints' | 'stdin'>,
  { deployed = false } = {},
): Promise<string> {
  const { outputFiles } = await build({
    ...source,
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker'],
    external: ['cloudflare:*', 'node:*'],
    plugins: [
      {
        name: 'deployed-bundle',
        setup: (bundler) =>
          bundler.onResolve({ filter: /\/src\/index$/ }, () =>
            deployed ? { path: './index.js', external: true } : undefined,
          ),
      },
    ],
  })
  return outputFiles[0]?.text ?? ''
}
