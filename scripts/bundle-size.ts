/**
 * `npm run bundle`: compares the size of the deployed bundle with its limit. Uploads nothing.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Advice } from '../dev/advice.ts'
import { writeIdentityConfig } from '../dev/identity-worker.ts'
import { bundle } from '../dev/local-workers.ts'

const LIMIT_GZIP_BYTES = 21 * 1024

const folder = mkdtempSync(join(tmpdir(), 'identity-bundle-'))
try {
  await bundle(writeIdentityConfig(folder), folder)
  const script = readFileSync(join(folder, 'index.js'))
  const gzip = gzipSync(script).length
  const sizes = `raw ${inKiB(script.length)}, gzip ${inKiB(gzip)} (limit: under ${inKiB(LIMIT_GZIP_BYTES)})`
  if (gzip >= LIMIT_GZIP_BYTES) throw new Advice(`The bundle is too large: ${sizes}`)
  console.log(`Bundle as deployed, minified: ${sizes}`)
} finally {
  rmSync(folder, { recursive: true })
}

function inKiB(bytes: number): string {
  return `${(bytes / 1024).toFixed(2)} KiB`
}
