/**
 * The page's files, made ready to be served: its TypeScript bundled for the browser, the rest as it is on disk.
 */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** A file of the page. */
export interface Asset {
  readonly type: string
  readonly body: Uint8Array
}

const FOLDER = fileURLToPath(new URL('page', import.meta.url))

/** The files by their path on the server. */
export async function buildAssets(): Promise<ReadonlyMap<string, Asset>> {
  const bundle = await build({
    absWorkingDir: FOLDER,
    entryPoints: ['main.ts'],
    outfile: 'main.js',
    bundle: true,
    format: 'esm',
    target: 'es2023',
    sourcemap: 'inline',
    write: false,
    logLevel: 'silent', // a failure is thrown, with all that esbuild has to say
  })
  const script = bundle.outputFiles[0]?.contents ?? new Uint8Array()
  return new Map([
    ['/', { type: 'text/html; charset=utf-8', body: await readFile(`${FOLDER}/index.html`) }],
    [
      '/style.css',
      { type: 'text/css; charset=utf-8', body: await readFile(`${FOLDER}/style.css`) },
    ],
    ['/main.js', { type: 'text/javascript; charset=utf-8', body: script }],
  ])
}
