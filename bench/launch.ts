/** `npm run bench`: installs what only the measurements need, then runs them. */
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Advice } from '../dev/advice.ts'

const folder = import.meta.dirname
const installed = join(folder, 'node_modules', '.package-lock.json')
const wanted = join(folder, 'package-lock.json')

if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(wanted).mtimeMs) {
  console.error('Installing what the measurements need …')
  const { status } = spawnSync('npm', ['ci', '--prefix', folder], { stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Advice(`Installing failed. Run: npm ci --prefix ${folder}`)
}
await import('./run.ts')
