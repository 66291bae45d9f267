/**
 * `npm run types`: writes the types of the runtime into worker-configuration.d.ts; with `--check` it only compares. The
 * types of the environment are in src/config.ts, so they do not depend on the values of an operator.
 */
import { wrangler } from '../dev/wrangler.ts'

const options = process.argv.slice(3)
await wrangler(['types', '--include-env=false', '--env=', ...options])
const what = options.includes('--check') ? 'is up to date' : 'is written'
console.log(`worker-configuration.d.ts ${what}.`)
