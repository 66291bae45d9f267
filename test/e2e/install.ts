/**
 * Installs a Chromium for the end-to-end tests if the machine has none, and shows the progress.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { Advice } from '../../dev/advice.ts'
import { findChromium } from './support/browser.ts'

/** With fonts: without any, a page is blank. */
const DEBIAN_PACKAGES = ['chromium', 'fonts-dejavu-core', 'fonts-liberation']

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
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  if (status === 0) return
  throw new Advice(`${command} ${args.join(' ')} failed: ${error?.message ?? 'see above'}`)
}
