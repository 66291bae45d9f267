/**
 * Bundles the Worker before the tests in Node, as `wrangler deploy` would upload it.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { writeIdentityConfig } from '../../../dev/identity-worker.ts'
import { bundle } from '../../../dev/local-workers.ts'

export default async function buildWorker(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'identity-worker-'))
  await bundle(writeIdentityConfig(folder), folder)
  project.provide('bundle', folder)
  return () => rm(folder, { recursive: true, force: true })
}
