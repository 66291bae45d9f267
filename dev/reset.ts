/**
 * `npm run reset`: removes the data, the provider's keys and the tokens of the local stack, so that the next start makes
 * them as new. It refuses while a stack runs on them, and removes nothing that a stack did not make.
 */
import { existsSync, rmSync } from 'node:fs'
import { Advice } from './advice.ts'
import { readOptions } from './options.ts'
import { requireUnused, shortPath, stateFolder } from './state-folder.ts'

const state = stateFolder(readOptions(process.argv.slice(3)).state)
const name = shortPath(state.path)

if (!existsSync(state.path)) {
  console.log(`There is nothing to reset: ${name} does not exist. The next start makes it.`)
} else {
  requireUnused(state.path)
  if (!existsSync(state.providerSecrets)) {
    throw new Advice(`${name} is not a folder that \`npm start\` made, so it stays as it is.`)
  }
  rmSync(state.path, { recursive: true })
  console.log(`${name} is removed. The next start makes it as new.`)
}
