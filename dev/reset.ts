/**
 * `npm run reset`: removes the data of the local stack, the keys of the provider and the tokens. The next start makes
 * new ones.
 */
import { existsSync } from 'node:fs'
import { readOptions } from './options.ts'
import { emptyStateFolder, shellPath, stateFolder } from './state-folder.ts'

const { path } = stateFolder(readOptions(process.argv.slice(3)).state)
const name = shellPath(path)

if (!existsSync(path)) {
  console.log(`There is nothing to reset: ${name} does not exist. The next start makes it.`)
} else {
  const others = emptyStateFolder(path)
  console.log(`The data in ${name} is removed. The next start makes new data.`)
  if (others.length > 0) console.log(`These files stay: ${others.join(', ')}`)
}
