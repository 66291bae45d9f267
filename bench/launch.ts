/** `npm run bench`: installs what only the measurements need, then runs them. */
import { installPackages } from '../scripts/install-packages.ts'

installPackages(import.meta.dirname)
await import('./run.ts')
