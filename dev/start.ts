/**
 * `npm start`: the local stack for a person at a terminal. Prints what runs and how to call it, then the Worker's log.
 * Ends with Ctrl-C, with a signal, or with npm.
 */
import { execFileSync } from 'node:child_process'
import { startStackWithConsole } from './console/server.ts'
import { describeBinding, describeExamples, writeTokens } from './examples.ts'
import { readOptions } from './options.ts'
import { isRunning, shellPath } from './state-folder.ts'

const RENEW_TOKENS_MS = 30 * 60 * 1000
const CHECK_NPM_MS = 1000

const began = performance.now()
const options = readOptions(process.argv.slice(3))

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    console.log('\nStopped.')
    process.exit() // its exit handlers end the runtime and release the state folder
  })
}

if (process.env['npm_lifecycle_event'] !== undefined) endWithNpm()

console.log('Starting the local stack …')
const stack = await startStackWithConsole({
  ...options,
  onProgress: (line) => console.log(`  ${line}`),
  onLog: (line) => console.log(line),
})
await writeTokens(stack)

console.log(`
Console         ${stack.consoleOrigin}  a page to sign in, look at the data and remove people
Worker          ${stack.workerURL.origin}  the code that is deployed, on local workerd
OpenID provider ${stack.issuer}  its keys: ${stack.jwksURL}
Database        ${shellPath(stack.state.databases)}  D1 on disk; to read it:
     npx wrangler d1 execute DB --local --config ${shellPath(stack.state.config)} \\
       --persist-to ${shellPath(stack.state.databases)} --command 'SELECT * FROM user_deletions'
Tokens          ${shellPath(stack.state.tokens)}/  each valid for an hour, and renewed while this runs

${await describeExamples(stack)}

${await describeBinding(stack)}

Ready after ${((performance.now() - began) / 1000).toFixed(1)} s. Ctrl-C stops everything and keeps the data. The Worker's log:`)

setInterval(() => {
  writeTokens(stack).catch((error: unknown) => console.error('The tokens were not renewed:', error))
}, RENEW_TOKENS_MS)

/**
 * Ends this process soon after npm has ended without a signal, for example because it was killed. npm runs scripts
 * through a shell, so npm is the parent of the parent. Without `ps`, only the parent is checked.
 */
function endWithNpm(): void {
  const parent = process.ppid
  const npm = parentOfShell(parent)
  setInterval(() => {
    if (process.ppid !== parent || (npm !== undefined && !isRunning(npm))) process.exit()
  }, CHECK_NPM_MS)
}

function parentOfShell(processID: number): number | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'ppid=,comm=', '-p', String(processID)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [parent, command] = line.trim().split(/\s+/)
    return command?.endsWith('sh') ? Number(parent) : undefined
  } catch {
    return undefined
  }
}
