/**
 * `npm run test:faults` and `npm run soak`: passes their options to the tests as environment variables. Further arguments
 * of `test:faults` go to Vitest. `--write` writes the tables in docs/ instead of comparing them.
 */
import { parseArgs } from 'node:util'
import { Advice } from '../../dev/advice.ts'
import { runTests } from '../../scripts/run-tests.ts'

/** The numbers that each command takes: the option, its environment variable and its default. */
const NUMBERS = {
  'test-faults': [
    ['requests', 'FUZZ_REQUESTS', '20000'],
    ['seed', 'FUZZ_SEED', '20261125'],
    ['proofs', 'FUZZ_PROOFS', '1000'],
  ],
  soak: [
    ['seconds', 'SOAK_SECONDS', '600'],
    ['rate', 'SOAK_RATE', '100'],
  ],
} as const

const isSoak = process.argv[2] === 'soak'
const numbers = NUMBERS[isSoak ? 'soak' : 'test-faults']
const options: Record<string, { type: 'string' | 'boolean' }> = isSoak
  ? {}
  : { write: { type: 'boolean' } }
for (const [name] of numbers) options[name] = { type: 'string' }
const args = process.argv.slice(3)
const { values, positionals } = parseArgs({ args, allowPositionals: !isSoak, options })

const variables: Record<string, string> = {}
for (const [name, variable, byDefault] of numbers) {
  const value = String(values[name] ?? byDefault)
  if (!/^[1-9]\d*$/.test(value)) {
    throw new Advice(`--${name} takes a whole number above zero, not "${value}".`)
  }
  variables[variable] = value
}
const update = values['write'] === true ? ['--update'] : []
process.exitCode = runTests(isSoak ? 'soak' : 'faults', [...positionals, ...update], variables)
