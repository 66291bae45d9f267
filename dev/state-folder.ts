/**
 * The folder in which the local stack keeps what outlives it: databases, the provider's secrets, tokens. One stack at a
 * time has it; a file with its process ID says which.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { Advice } from './advice.ts'
import { isRunning } from './npm-process.ts'
import { ROOT } from './wrangler.ts'

/** Where `npm start` keeps its state, in the checkout. */
export const DEFAULT_STATE_FOLDER = join(ROOT, '.state', 'default')

/** The paths inside a state folder. */
export interface StateFolder {
  readonly path: string
  /** What wrangler takes as `--persist-to`. */
  readonly databases: string
  readonly builds: string
  readonly tokens: string
  readonly providerSecrets: string
}

/** The paths of a state folder, whether or not it exists. */
export function stateFolder(path: string): StateFolder {
  const absolute = resolve(path)
  return {
    path: absolute,
    databases: join(absolute, 'databases'),
    builds: join(absolute, 'builds'),
    tokens: join(absolute, 'tokens'),
    providerSecrets: join(absolute, 'provider-secrets.json'),
  }
}

/**
 * Takes the folder for this process, makes it where there is none, and gives a function that hands it back.
 * @throws Advice where another running process has it
 */
export function takeStateFolder({ path }: StateFolder): () => void {
  requireUnused(path)
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const file = fileOf(path)
  rmSync(file, { force: true })
  writeFileSync(file, String(process.pid), { flag: 'wx' })
  const release = () => rmSync(file, { force: true })
  process.once('exit', release)
  return () => {
    process.off('exit', release)
    release()
  }
}

/**
 * Refuses a folder that a running process has.
 * @throws Advice that names the process
 */
export function requireUnused(path: string): void {
  const file = fileOf(path)
  if (!existsSync(file)) return
  const processID = Number(readFileSync(file, 'utf8'))
  if (!isRunning(processID)) return
  throw new Advice(
    `A stack runs on the state in ${shortPath(path)}: process ${processID}. Stop it first (Ctrl-C where it runs),\n` +
      'or start another one beside it: npm start -- --state .state/<another name>\n' +
      `If process ${processID} is something else, remove ${shortPath(file)} and try again.`,
  )
}

/** A path as a person in the checkout would write it, where that is shorter. */
export function shortPath(path: string): string {
  const short = relative(process.cwd(), path)
  return short.length < path.length ? short : path
}

function fileOf(path: string): string {
  return join(path, 'running.pid')
}
