/**
 * Runs a tool of this folder's package.json as anyone would on the command line, off the network.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** The checkout. */
export const ROOT = join(import.meta.dirname, '../../..')

const SCRIPTS = {
  'openapi-typescript': 'openapi-typescript/bin/cli.js',
  prism: '@stoplight/prism-cli/dist/index.js',
  redocly: '@redocly/cli/bin/cli.js',
  tsc: 'typescript/bin/tsc',
} as const

/** A tool's name. */
export type Tool = keyof typeof SCRIPTS

const env = {
  ...process.env,
  NO_COLOR: '1',
  REDOCLY_TELEMETRY: 'off',
  REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
}
const TIMEOUT_MS = 60_000

/** What a tool printed and how it ended; it runs in the checkout. */
export async function runTool(
  tool: Tool,
  args: readonly string[],
): Promise<{ exitCode: number; output: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [pathOf(tool), ...args],
      { cwd: ROOT, env, timeout: TIMEOUT_MS },
    )
    return { exitCode: 0, output: stdout + stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout?: string; stderr?: string }
    if (typeof code !== 'number') throw error
    return { exitCode: code, output: `${stdout ?? ''}${stderr ?? ''}` }
  }
}

/** Starts a tool that goes on; whoever starts it ends it. */
export function startTool(tool: Tool, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [pathOf(tool), ...args], { cwd: ROOT, env })
}

function pathOf(tool: Tool): string {
  return join(import.meta.dirname, '../node_modules', SCRIPTS[tool])
}
