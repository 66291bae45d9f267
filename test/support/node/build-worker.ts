/**
 * Before the tests in Node: bundles the Worker once, as `wrangler deploy` would upload it.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'

/** Vitest calls this before the first test of a project, and what it returns after the last. */
export default async function buildWorker(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'identity-worker-'))
  const manifest = createRequire(import.meta.url).resolve('wrangler/package.json')
  const wrangler = join(dirname(manifest), 'bin', 'wrangler.js')
  const quiet = { WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true' }
  await promisify(execFile)(
    process.execPath,
    [wrangler, 'deploy', '--dry-run', '--env=', '--outdir', folder],
    { env: { ...process.env, ...quiet }, timeout: 120_000 },
  )
  project.provide('bundle', folder)
  return () => rm(folder, { recursive: true, force: true })
}
