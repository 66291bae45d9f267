/**
 * Runs a project of Vitest as a command does.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

/** @returns the exit code */
export function runTests(
  project: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
): number {
  const root = join(import.meta.dirname, '../..')
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const { status } = spawnSync(
    process.execPath,
    [vitest, 'run', ...args, '--project', project, '--disable-console-intercept'],
    { cwd: root, stdio: 'inherit', env: { ...process.env, ...variables } },
  )
  return status ?? 1
}
