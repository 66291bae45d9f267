/**
 * Bundles a Worker of the rig. What it imports from `src/` is the deployed bundle, which stays a module of its own.
 */
import { build } from 'esbuild'
import { join } from 'node:path'

/** The script of the Worker in a file of this folder. */
export async function bundleForWorkerd(file: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, file)],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    external: ['node:*'],
    plugins: [
      {
        name: 'deployed-bundle',
        setup: (bundler) =>
          bundler.onResolve({ filter: /\/src\/index$/ }, () => ({
            path: './index.js',
            external: true,
          })),
      },
    ],
  })
  const [output] = outputFiles
  if (output === undefined) throw new Error(`esbuild wrote nothing for ${file}`)
  return output.text
}
