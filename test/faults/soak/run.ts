/**
 * `npm run soak`: a steady load, for ten minutes unless told otherwise.
 */
import { parseArgs } from 'node:util'
import { runTests } from '../run-tests.ts'

const USAGE = 'npm run soak -- [--seconds 600] [--rate 100]'

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    seconds: { type: 'string', default: '600' },
    rate: { type: 'string', default: '100' },
  },
})
for (const [name, value] of Object.entries(values)) {
  if (!/^[1-9]\d*$/.test(value)) throw new Error(`--${name} takes a whole number. ${USAGE}`)
}
process.exitCode = runTests('soak', [], {
  SOAK_SECONDS: values.seconds,
  SOAK_RATE: values.rate,
})
