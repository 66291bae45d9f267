/**
 * Runs a project of Vitest as a command does.
 */
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { ROOT } from '../dev/wrangler.ts'

/** @returns the exit code */
export function runTests(
  project: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): number {
  const vitest = createRequire(import.meta.url).resolve('vitest/package.json')
  const { status } = spawnSync(
    process.execPath,
    [
      join(dirname(vitest), 'vitest.mjs'),
      'run',
      ...args,
      '--project',
      project,
      '--disable-console-intercept',
    ],
    { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...variables } },
  )
  return status ?? 1
}
