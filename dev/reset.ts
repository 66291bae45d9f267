/**
 * `npm run reset`: removes the data, the keys of the provider and the tokens of the local stack; the next start makes new
 * ones. It refuses while a stack runs on them, and removes nothing that a stack did not make.
 */
import { existsSync } from 'node:fs'
import { Advice } from './advice.ts'
import { readOptions } from './options.ts'
import {
  emptyStateFolder,
  isStateFolder,
  requireUnused,
  shellPath,
  stateFolder,
} from './state-folder.ts'

const { path } = stateFolder(readOptions(process.argv.slice(3)).state)
const name = shellPath(path)

if (!existsSync(path)) {
  console.log(`There is nothing to reset: ${name} does not exist. The next start makes it.`)
} else {
  requireUnused(path)
  if (!isStateFolder(path)) {
    throw new Advice(`${name} is not a folder that \`npm start\` made, so it stays as it is.`)
  }
  const others = emptyStateFolder(path)
  console.log(`The data in ${name} is removed. The next start makes new data.`)
  if (others.length > 0) console.log(`These files stay: ${others.join(', ')}`)
}
