/**
 * `npm start`: the local stack for a person at a terminal. Says what runs where and how to call it, shows the Worker's log
 * lines, and ends with Ctrl-C, with npm, or when asked to by a signal.
 */
import { startStackWithConsole } from './console/server.ts'
import { describeBinding, describeExamples, writeTokens } from './examples.ts'
import { endWithNpm } from './npm-process.ts'
import { readOptions } from './options.ts'
import { shellPath } from './state-folder.ts'

const RENEW_TOKENS_MS = 30 * 60 * 1000

const began = performance.now()
const options = readOptions(process.argv.slice(3))

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    console.log('\nStopped.')
    process.exit() // its exit handlers end the runtime and hand back the state folder
  })
}

endWithNpm()

console.log('Starting the local stack …')
const stack = await startStackWithConsole({
  ...options,
  onProgress: (line) => console.log(`  ${line}`),
  onLog: (line) => console.log(line),
})
await writeTokens(stack)

console.log(`
Console         ${stack.consoleOrigin}  a page to sign in, look and remove people with
Worker          ${stack.workerURL.origin}  the code that is deployed, on local workerd
OpenID provider ${stack.issuer}  its keys: ${stack.jwksURL}
Database        ${shellPath(stack.state.databases)}  D1 on disk; have a look at it:
     npx wrangler d1 execute DB --local --config ${shellPath(stack.state.config)} \\
       --persist-to ${shellPath(stack.state.databases)} --command 'SELECT * FROM user_deletions'
Tokens          ${shellPath(stack.state.tokens)}/  each valid for an hour, and renewed while this runs

${await describeExamples(stack)}

${await describeBinding(stack)}

Ready after ${((performance.now() - began) / 1000).toFixed(1)} s. Ctrl-C ends all of it and keeps the data. The Worker's log:`)

setInterval(() => {
  writeTokens(stack).catch((error: unknown) => console.error('The tokens were not renewed:', error))
}, RENEW_TOKENS_MS)
