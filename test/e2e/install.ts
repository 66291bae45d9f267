/**
 * Installs once what the end-to-end tests need beside the project's packages, and shows the progress: the tools of this
 * folder's package.json, and a Chromium if the machine has none.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Advice } from '../../dev/advice.ts'
import { findChromium } from './support/browser.ts'

const FOLDER = import.meta.dirname

/** With fonts: without any, a page is blank. */
const DEBIAN_PACKAGES = ['chromium', 'fonts-dejavu-core', 'fonts-liberation']

/**
 * Installs the packages of this folder, unless its lockfile has not changed since the last time.
 * @throws Advice if npm fails
 */
export function installTools(): void {
  const installed = join(FOLDER, 'node_modules/.package-lock.json')
  const wanted = join(FOLDER, 'package-lock.json')
  if (existsSync(installed) && statSync(installed).mtimeMs > statSync(wanted).mtimeMs) return
  console.log('Installing the tools of the end-to-end tests, once: about half a minute …')
  run('npm', ['ci', '--no-audit', '--no-fund'])
}

/**
 * Installs Chromium with apt-get if there is none.
 * @throws Advice that says what to install if this user cannot do that
 */
export function installChromium(): void {
  if (findChromium() !== undefined) return
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    throw new Advice(
      'The end-to-end tests need a Chromium, and there is none on the PATH. Install one:\n' +
        '  Debian, Ubuntu   sudo apt-get install chromium\n' +
        '  macOS            brew install --cask chromium\n' +
        'or name the one you have: CHROMIUM=/path/to/chrome npm run test:e2e',
    )
  }
  console.log('Installing Chromium with apt-get, once: a minute or two …')
  run('apt-get', ['update', '-q'])
  run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...DEBIAN_PACKAGES])
  if (findChromium() === undefined) throw new Advice('apt-get installed no chromium on the PATH.')
}

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, {
    cwd: FOLDER,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  if (status === 0) return
  throw new Advice(`${command} ${args.join(' ')} failed: ${error?.message ?? 'see above'}`)
}
