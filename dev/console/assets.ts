/**
 * The files of the page: its HTML, its TypeScript bundled for the browser, and the stylesheet.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { build } from 'esbuild'

export interface Asset {
  readonly type: string
  readonly body: Uint8Array | string
}

const FOLDER = join(import.meta.dirname, 'page')
const OAT = createRequire(import.meta.url).resolve('@knadh/oat/oat.min.css')

/** Oat (https://oat.ink), then page/style.css. The pages of the provider have it too. */
export const STYLESHEET = [OAT, join(FOLDER, 'style.css')]
  .map((file) => readFileSync(file, 'utf8'))
  .join('\n')

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
  const html = readFileSync(join(FOLDER, 'index.html'))
  return new Map<string, Asset>([
    ['/', { type: 'text/html; charset=utf-8', body: html }],
    ['/style.css', { type: 'text/css; charset=utf-8', body: STYLESHEET }],
    ['/main.js', { type: 'text/javascript; charset=utf-8', body: script }],
  ])
}
