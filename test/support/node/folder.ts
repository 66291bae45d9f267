/**
 * A temporary folder for a test file. It is removed after the tests of the file.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

/** Creates an empty folder, and returns its path. */
export async function createFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'identity-test-'))
  afterAll(() => rm(folder, { recursive: true, force: true }))
  return folder
}
