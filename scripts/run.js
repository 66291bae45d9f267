/**
 * Runs every development command: `node scripts/run.js start`. Plain JavaScript, so that an old Node or a checkout
 * without packages gets a message that says what to do.
 */
import { createRequire } from 'node:module'

const commands = {
  start: '../dev/start.ts',
  demo: '../dev/demo.ts',
  reset: '../dev/reset.ts',
  example: '../examples/run.ts',
  'bundle-size': './bundle-size.ts',
  deploy: './deploy.ts',
  types: './types.ts',
  bench: '../bench/launch.ts',
  'test-faults': '../test/faults/run.ts',
  soak: '../test/faults/run.ts',
  'test-e2e': '../test/e2e/run.ts',
  screenshots: '../test/e2e/screenshots.ts',
}
const command = process.argv[2] || ''
const { resolve } = createRequire(import.meta.url)

function isInstalled(name) {
  try {
    return resolve(`${name}/package.json`) !== ''
  } catch {
    return false
  }
}

function end(message) {
  console.error(message)
  process.exit(1)
}

if (!Object.hasOwn(commands, command)) {
  end(`Unknown command "${command}". The commands are: ${Object.keys(commands).join(', ')}`)
}
if (!isInstalled('jose')) end('The packages are not installed yet. Run: npm ci')
if (!isInstalled('wrangler')) {
  end('The development packages are not installed. Run: npm ci --include=dev')
}
if (!process.features.typescript) {
  end(
    `This is Node ${process.versions.node}; the development commands need Node 22.18 or newer.\n` +
      'Node 24 comes with `npm ci`, and npm finds it: start the commands through npm, as `npm start`.\n' +
      'If you did, its install script did not run: `npm ci --ignore-scripts=false` fixes that.',
  )
}

try {
  await import(commands[command])
} catch (error) {
  end(error instanceof Error && error.name === 'Advice' ? error.message : error)
}
