/**
 * The local stack with the console: the provider knows the page as a client, and the Worker's CORS_ORIGINS names it.
 */
import { join } from 'node:path'
import getPort from 'get-port'
import { startStack, type Stack, type StackOptions } from '../stack.ts'
import { consoleClient, consoleOrigin, startConsole, type RunningConsole } from './server.ts'

const LISTENER = join(import.meta.dirname, 'listener/wrangler.toml')

/** Options of the stack and of the console. */
export interface StackWithConsoleOptions extends StackOptions {
  /** TCP port on 127.0.0.1; 0 takes a free one. */
  readonly consolePort: number
  /** Whether the Worker runs with KEEP_LAST_ADMINISTRATOR. */
  readonly keepLastAdministrator?: boolean
}

/** A stack and its console, which end together. */
export interface StackWithConsole extends Stack {
  readonly console: RunningConsole
}

/**
 * Starts both; resolves when they respond.
 * @throws Advice as startStack does
 */
export async function startStackWithConsole({
  consolePort,
  keepLastAdministrator = false,
  ...options
}: StackWithConsoleOptions): Promise<StackWithConsole> {
  // The Worker and the provider need the page's origin when they start.
  const port = consolePort === 0 ? await getPort({ host: '127.0.0.1' }) : consolePort
  const stack = await startStack({
    ...options,
    otherPorts: [{ port, use: 'console', option: '--console-port' }],
    clients: [...(options.clients ?? []), consoleClient(port)],
    eventQueue: 'identity-deletions',
    companions: [...(options.companions ?? []), { configPath: LISTENER }],
    vars: {
      CORS_ORIGINS: consoleOrigin(port),
      KEEP_LAST_ADMINISTRATOR: String(keepLastAdministrator),
      MEMBERS_MAY_LEAVE: 'true',
      RECORD_GROUPS: 'true',
      DPOP: 'accept', // the page binds its tokens to a key
      ...options.vars,
    },
  })
  try {
    const console = await startConsole({
      port,
      stack,
      keepsLastAdministrator: keepLastAdministrator,
    })
    options.onProgress?.(`Console listens on ${console.origin}`)
    return {
      ...stack,
      console,
      async stop() {
        await console.stop()
        await stack.stop()
      },
    }
  } catch (error) {
    await stack.stop()
    throw error
  }
}
