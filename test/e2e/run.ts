/**
 * `npm run test:e2e`: installs what is missing, then runs the end-to-end tests. Arguments after `--` go to Vitest.
 */
import { runTests } from '../../scripts/run-tests.ts'
import { installChromium, installTools } from './install.ts'

installTools()
installChromium()
process.exitCode = runTests('e2e', process.argv.slice(3))
