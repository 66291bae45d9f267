/**
 * Runs a project of Vitest in the checkout.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { ROOT } from '../dev/wrangler.ts'

const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs')

/** @returns the exit code */
export function runTests(
  project: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): number {
  const command = [VITEST, 'run', ...args, '--project', project, '--disable-console-intercept']
  const env = { ...process.env, ...variables }
  return spawnSync(process.execPath, command, { cwd: ROOT, stdio: 'inherit', env }).status ?? 1
}
