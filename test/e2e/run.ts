/**
 * `npm run test:e2e`: installs what is missing, then runs the end-to-end tests. What comes after `--` goes to Vitest.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { installChromium, installTools } from './install.ts'

installTools()
installChromium()
const root = join(import.meta.dirname, '../..')
const vitest = join(root, 'node_modules/vitest/vitest.mjs')
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', '--project', 'e2e', ...process.argv.slice(3)],
  { cwd: root, stdio: 'inherit' },
)
process.exitCode = status ?? 1
