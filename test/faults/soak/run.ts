/**
 * `npm run soak`: a steady load, for ten minutes unless told otherwise.
 */
import { parseArgs } from 'node:util'
import { checkNumbers } from '../numbers.ts'
import { runTests } from '../../../scripts/run-tests.ts'

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    seconds: { type: 'string', default: '600' },
    rate: { type: 'string', default: '100' },
  },
})
const { seconds, rate } = checkNumbers(values)
process.exitCode = runTests('soak', [], { SOAK_SECONDS: seconds, SOAK_RATE: rate })
