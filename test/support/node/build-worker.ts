/**
 * Before the tests in Node: bundles the Worker once, as `wrangler deploy` would upload it.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { writeIdentityConfig } from '../../../dev/identity-worker.ts'
import { bundle } from '../../../dev/local-workers.ts'

/** Vitest calls this before the first test of a project, and what it returns after the last. */
export default async function buildWorker(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'identity-worker-'))
  await bundle(writeIdentityConfig(folder), folder)
  project.provide('bundle', folder)
  return () => rm(folder, { recursive: true, force: true })
}
