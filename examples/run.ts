/**
 * `npm run example`: runs the named example, or all of them. Exits with 0 only if every check holds.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Advice } from '../dev/advice.ts'
import { run as runConsoleBackend } from './console-backend/run.ts'
import { run as runDeletionListener } from './deletion-listener/run.ts'

const examples = new Map([
  ['console-backend', runConsoleBackend],
  ['deletion-listener', runDeletionListener],
])

const [name] = process.argv.slice(3)
if (name !== undefined && !examples.has(name)) {
  throw new Advice(`Unknown example "${name}". There are: ${[...examples.keys()].join(', ')}`)
}

const folder = mkdtempSync(join(tmpdir(), 'identity-example-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

function check(holds: boolean, what: string): void {
  console.log(`  ${holds ? '✓' : '✗'} ${what}`)
  if (!holds) process.exitCode = 1
}

for (const [example, run] of examples) {
  if (name === undefined || name === example) await run(join(folder, example), check)
}
