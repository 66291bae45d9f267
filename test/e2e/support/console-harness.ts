/**
 * The local stack with its console on free ports, on data of its own, and a browser before it.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { startStackWithConsole, type StackWithConsole } from '../../../dev/console/server.ts'
import { launchBrowser } from './browser.ts'

/** What runs. */
export interface ConsoleHarness {
  readonly stack: StackWithConsole
  readonly browser: Browser
  /** The lines that the Worker has logged. */
  readonly log: readonly string[]
  stop(): Promise<void>
}

/** The ports of the stack; 0 takes a free one. */
export interface HarnessPorts {
  readonly worker: number
  readonly issuer: number
  readonly console: number
}

/** Starts all of it. */
export async function startConsoleHarness(
  ports: HarnessPorts = { worker: 0, issuer: 0, console: 0 },
): Promise<ConsoleHarness> {
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
    log,
    async stop() {
      await browser.close()
      await stack.stop()
      await rm(state, { recursive: true, force: true })
    },
  }
}

/** Every row of the tables that a deletion could touch, as text. */
export async function readTables(stack: StackWithConsole): Promise<Record<string, string[]>> {
  const database = await stack.openDatabase()
  const tables = ['organization_users', 'group_members', 'user_deletions', 'users', 'groups']
  const contents: Record<string, string[]> = {}
  for (const table of tables) {
    const { results } = await database.prepare(`SELECT * FROM ${table}`).all()
    contents[table] = results.map((row) => JSON.stringify(row)).toSorted()
  }
  return contents
}
