/**
 * Installs the packages of a folder with its own package.json, unless its lockfile has not changed since the last time.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Advice } from '../dev/advice.ts'

/** @throws Advice if npm fails */
export function installPackages(folder: string): void {
  const installed = join(folder, 'node_modules/.package-lock.json')
  const wanted = join(folder, 'package-lock.json')
  if (existsSync(installed) && statSync(installed).mtimeMs > statSync(wanted).mtimeMs) return
  console.error(`Installing the packages of ${folder}, once: about half a minute …`)
  const { status } = spawnSync('npm', ['ci'], { cwd: folder, stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Advice(`Installing failed. Run: npm ci --prefix ${folder}`)
}
