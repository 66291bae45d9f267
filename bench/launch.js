/**
 * `npm run bench`: installs what the measurements need, then runs them. Plain JavaScript, so that a Node that is too old
 * gets a message.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const bench = fileURLToPath(new URL('.', import.meta.url))
const installed = `${bench}node_modules/.package-lock.json`
const wanted = `${bench}package-lock.json`

function end(message) {
  console.error(message)
  process.exit(1)
}

if (!existsSync(`${bench}../node_modules/wrangler/package.json`)) {
  end('The packages are not installed. Run: npm ci')
}
if (!process.features.typescript) {
  end(
    `This is Node ${process.versions.node}, and the measurements need Node 22.18 or newer. ` +
      'npm uses the Node that `npm ci` installed: run `npm run bench`.',
  )
}
if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(wanted).mtimeMs) {
  console.error('Installing what the measurements need …')
  const { status } = spawnSync('npm', ['ci', '--prefix', bench], { stdio: ['ignore', 2, 2] })
  if (status !== 0) end('Installing failed. Run: npm ci --prefix bench')
}
await import('./run.ts')
