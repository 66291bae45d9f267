/**
 * The page's files, ready to be served: its TypeScript bundled for the browser, its stylesheet, its HTML as on disk.
 */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { STYLESHEET } from './stylesheet.ts'

/** A file of the page. */
export interface Asset {
  readonly type: string
  readonly body: Uint8Array | string
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
    logLevel: 'silent', // a failure is thrown with everything that esbuild reports
  })
  const script = bundle.outputFiles[0]?.contents ?? ''
  return new Map<string, Asset>([
    ['/', { type: 'text/html; charset=utf-8', body: await readFile(`${FOLDER}/index.html`) }],
    ['/style.css', { type: 'text/css; charset=utf-8', body: STYLESHEET }],
    ['/main.js', { type: 'text/javascript; charset=utf-8', body: script }],
  ])
}
