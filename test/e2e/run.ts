/**
 * `npm run test:e2e`: installs what is missing, then runs the end-to-end tests. Arguments after `--` go to Vitest.
 */
import { installPackages } from '../../scripts/install-packages.ts'
import { runTests } from '../../scripts/run-tests.ts'
import { installChromium } from './install.ts'

installPackages(import.meta.dirname)
installChromium()
process.exitCode = runTests('e2e', process.argv.slice(3))
