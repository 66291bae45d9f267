/** What a result was measured on and with: without it no figure means anything. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { BENCH, PROJECT } from './paths.ts'
import { readCompatibility } from './runtime.ts'

export interface Machine {
  /** The day of the measurement, UTC. */
  readonly date: string
  /** The commit of the project, with a `+` where files differ from it. */
  readonly commit: string
  readonly processor: string
  readonly cores: number
  readonly memoryGiB: number
  readonly system: string
  readonly compatibilityDate: string
  readonly versions: Readonly<Record<string, string>>
}

const PROJECT_PACKAGES = [
  'workerd',
  'miniflare',
  'wrangler',
  'esbuild',
  'jose',
  'drizzle-orm',
  'itty-router',
]
const BENCH_PACKAGES = ['hono', 'better-auth', 'undici']

export function describeMachine(): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: describeCommit(),
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    compatibilityDate: readCompatibility().date,
    versions: {
      node: process.versions.node,
      ...Object.fromEntries(PROJECT_PACKAGES.map((name) => [name, versionOf(PROJECT, name)])),
      ...Object.fromEntries(BENCH_PACKAGES.map((name) => [name, versionOf(BENCH, name)])),
    },
  }
}

function versionOf(folder: string, name: string): string {
  const path = join(folder, 'node_modules', name, 'package.json')
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
}

function git(...args: string[]): string {
  return execFileSync('git', args, {
    cwd: PROJECT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
}

function describeCommit(): string {
  try {
    const isChanged = git('status', '--porcelain', '--', 'src', 'migrations').trim() !== ''
    return git('rev-parse', '--short', 'HEAD').trim() + (isChanged ? '+' : '')
  } catch {
    return 'unknown'
  }
}
