/**
 * `npm run test:faults`: faults, races, crashes and hostile input; then the tables of docs/reliability.md, which must say
 * what the tests have seen. What else stands behind `--` goes to Vitest, and then the tables are left alone.
 *
 * `--requests` and `--seed` are those of the hostile requests, `--proofs` is the number of drawn DPoP proofs; `--write`
 * writes the tables.
 */
import { parseArgs } from 'node:util'
import { checkNumbers } from './numbers.ts'
import { runTests } from '../../scripts/run-tests.ts'
import { checkTables, writeTables } from './tables.ts'

const { values, positionals } = parseArgs({
  args: process.argv.slice(3),
  allowPositionals: true,
  options: {
    requests: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '20261125' },
    proofs: { type: 'string', default: '1000' },
    write: { type: 'boolean', default: false },
  },
})
const { requests, seed, proofs } = checkNumbers({
  requests: values.requests,
  seed: values.seed,
  proofs: values.proofs,
})
const variables = { FUZZ_REQUESTS: requests, FUZZ_SEED: seed, FUZZ_PROOFS: proofs }
const code = runTests('faults', positionals, variables)
process.exitCode = code
if (code === 0 && positionals.length === 0) {
  if (values.write) writeTables()
  else checkTables()
}
