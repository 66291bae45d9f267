/** The machine and the versions of a measurement: its figures mean nothing without them. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '../../dev/wrangler.ts'

export type Machine = ReturnType<typeof describeMachine>

export function describeMachine() {
  const project = [
    'workerd',
    'miniflare',
    'wrangler',
    'esbuild',
    'jose',
    'itty-router',
    'drizzle-orm',
  ]
  const bench = ['hono', 'better-auth', 'undici']
  const versions = [
    `node ${process.versions.node}`,
    ...project.map((name) => `${name} ${readVersion(ROOT, name)}`),
    ...bench.map((name) => `${name} ${readVersion(join(ROOT, 'bench'), name)}`),
  ]
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: describeCommit(),
    computer:
      `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, ` +
      `${Math.round(totalmem() / 2 ** 30)} GiB, ${type()} ${release()}`,
    versions: versions.join(', '),
  }
}

function readVersion(folder: string, name: string): string {
  const path = join(folder, 'node_modules', name, 'package.json')
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
}

const git = (...args: string[]): string =>
  execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' }).trim()

/** The short commit, with a `+` if the Worker's files differ from it. */
function describeCommit(): string {
  try {
    const isChanged = git('status', '--porcelain', '--', 'src', 'migrations') !== ''
    return git('rev-parse', '--short', 'HEAD') + (isChanged ? '+' : '')
  } catch {
    return 'unknown'
  }
}
