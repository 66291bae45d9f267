/**
 * The local stack with its console on free ports, with new data, and a browser.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startStackWithConsole, type StackWithConsole } from '../../../dev/console/server.ts'
import { readTables, type Tables } from '../../../dev/database.ts'
import { launchBrowser } from './browser.ts'

/** Starts all of it, on these ports; 0 takes a free one. */
export async function startConsoleHarness(ports = { worker: 0, issuer: 0, console: 0 }) {
  const state = await mkdtemp(join(tmpdir(), 'identity-console-'))
  const log: string[] = []
  const stack = await startStackWithConsole({
    ports,
    consolePort: ports.console,
    state,
    keepLastAdministrator: true,
    onLog: (line) => log.push(line),
  })
  const browser = await launchBrowser()
  return {
    stack,
    browser,
    /** The lines that the Worker has logged. */
    log,
    async stop() {
      await browser.close()
      await stack.stop()
      await rm(state, { recursive: true, force: true })
    },
  }
}

/** Reads every table, with a new stub of the database: a stub does not survive a restart of workerd. */
export async function readRows(stack: StackWithConsole): Promise<Tables> {
  return readTables(await stack.openDatabase())
}
