/**
 * Bundles the Workers of tests.
 */
import { build, type BuildOptions } from 'esbuild'

/** The script of a Worker. If its import of src/index is `deployed`, that stays the module `./index.js`, to the byte. */
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
