/**
 * Runs the tools of this folder's package.json as on the command line, in the checkout and off the network.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

export const ROOT = join(import.meta.dirname, '../../..')

const MODULES = join(import.meta.dirname, '../node_modules')
const SCRIPTS = {
  'openapi-typescript': 'openapi-typescript/bin/cli.js',
  prism: '@stoplight/prism-cli/dist/index.js',
  redocly: '@redocly/cli/bin/cli.js',
  tsc: 'typescript/bin/tsc',
} as const

type Tool = keyof typeof SCRIPTS

const OFFLINE = { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
const options = { cwd: ROOT, env: { ...process.env, NO_COLOR: '1', ...OFFLINE } }

export async function runTool(tool: Tool, args: readonly string[]) {
  const command = [join(MODULES, SCRIPTS[tool]), ...args]
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, command, options)
    return { exitCode: 0, output: stdout + stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: unknown; stdout: string; stderr: string }
    if (typeof code !== 'number') throw error
    return { exitCode: code, output: stdout + stderr }
  }
}

/** Starts a tool that runs until its caller ends it. */
export function startTool(tool: Tool, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [join(MODULES, SCRIPTS[tool]), ...args], options)
}
