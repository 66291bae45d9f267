/**
 * The look of the console and of the provider's pages: Oat (https://oat.ink), then the rules of page/style.css.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const FILES = [
  createRequire(import.meta.url).resolve('@knadh/oat/oat.min.css'),
  fileURLToPath(new URL('page/style.css', import.meta.url)),
]

/** CSS that follows the light or dark setting of the browser. */
export const STYLESHEET = FILES.map((file) => readFileSync(file, 'utf8')).join('\n')
