/**
 * `npm run bench`: sees to it that everything is there, then measures. Plain JavaScript, so that it can say what to do
 * where the Node that runs it is too old for the rest.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const bench = fileURLToPath(new URL('.', import.meta.url))

function end(message) {
  console.error(message)
  process.exit(1)
}

if (!existsSync(`${bench}../node_modules/wrangler/package.json`)) {
  end('The packages are not installed yet. Run: npm ci')
}
if (!process.features.typescript) {
  end(
    `This is Node ${process.versions.node}; the measurements need Node 22.18 or newer.\n` +
      'Node 24 comes with `npm ci`, and npm finds it: start them through npm, as `npm run bench`.\n' +
      'If you did, its install script did not run: `npm ci --ignore-scripts=false` mends that.',
  )
}

const needsPackages = !process.argv.includes('--check')
const installed = `${bench}node_modules/.package-lock.json`
const wanted = `${bench}package-lock.json`
const isInstalled = existsSync(installed) && statSync(installed).mtimeMs >= statSync(wanted).mtimeMs
if (needsPackages && !isInstalled) {
  console.error('Installing what the measurements need (bench/package-lock.json) …')
  const npm = spawnSync('npm', ['ci', '--prefix', bench], { stdio: ['ignore', 2, 2] })
  if (npm.status !== 0)
    end(`"npm ci --prefix ${bench}" failed${npm.error ? `: ${npm.error.message}` : ''}.`)
}

await import('./run.ts')
