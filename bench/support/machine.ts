/** The machine and the versions of a measurement: its figures mean nothing without them. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '../../dev/wrangler.ts'

/** Packages of the project, and of the measurements. */
const PACKAGES = {
  '.': ['workerd', 'miniflare', 'wrangler', 'esbuild', 'jose', 'itty-router', 'drizzle-orm'],
  bench: ['hono', 'undici'],
}

export type Machine = ReturnType<typeof describeMachine>

export function describeMachine() {
  const versions = [`node ${process.versions.node}`]
  for (const [folder, names] of Object.entries(PACKAGES)) {
    for (const name of names) {
      const path = join(ROOT, folder, 'node_modules', name, 'package.json')
      const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string }
      versions.push(`${name} ${version}`)
    }
  }
  const processor = cpus()[0]?.model ?? 'unknown processor'
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: describeCommit(),
    computer: `${processor}, ${availableParallelism()} cores, ${memory}, ${type()} ${release()}`,
    versions: versions.join(', '),
  }
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
