/**
 * The folder in which the local stack keeps what outlives it: databases, the provider's secrets, tokens. One stack at a
 * time has it; a file with its process ID says which.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
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
  /** The Worker of the stack as a configuration for wrangler, for a Worker that binds to it. */
  readonly config: string
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
    config: join(absolute, 'wrangler.json'),
  }
}

/** What the stack makes in its folder; wrangler makes the last one. */
const OWN =
  /^(?:databases|builds|tokens|provider-secrets\.json|running\.pid|wrangler\.json|\.wrangler)$/

/**
 * Takes the folder for this process, makes it if there is none, and returns a function that hands it back.
 * @throws Advice if another running process has it, or if it has content that no stack made
 */
export function takeStateFolder({ path }: StateFolder): () => void {
  requireUnused(path)
  const name = shellPath(path)
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new Advice(`${name} cannot be the state folder: ${(error as Error).message}`, {
      cause: error,
    })
  }
  if (readdirSync(path).length > 0 && !isStateFolder(path)) {
    throw new Advice(
      `${name} has files that \`npm start\` did not make. Choose a new folder or an empty one.`,
    )
  }
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

/** Whether a stack made the folder: the first files that it writes are there. */
export function isStateFolder(path: string): boolean {
  return existsSync(stateFolder(path).providerSecrets) || existsSync(fileOf(path))
}

/**
 * Removes what a stack made in a folder, and the folder if nothing else is in it.
 * @returns the names of the files that stay
 */
export function emptyStateFolder(path: string): string[] {
  const names = readdirSync(path)
  const others = names.filter((name) => !OWN.test(name))
  for (const name of names) {
    if (OWN.test(name)) rmSync(join(path, name), { recursive: true })
  }
  if (others.length === 0) rmdirSync(path)
  return others
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
    `A stack runs on the state in ${shellPath(path)}: process ${processID}. Stop it first (Ctrl-C where it runs),\n` +
      'or start another one beside it: npm start -- --state .state/another\n' +
      `If process ${processID} is something else, remove ${shellPath(file)} and try again.`,
  )
}

/** A path as an argument of a shell command, relative to the working folder if that is shorter. */
export function shellPath(path: string): string {
  const short = relative(process.cwd(), path)
  return quote(short.length < path.length ? short : path)
}

/** A text as one argument of a shell command. */
export function quote(text: string): string {
  return /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/** The command that removes the state in a folder. */
export function resetCommand(path: string): string {
  return path === DEFAULT_STATE_FOLDER
    ? 'npm run reset'
    : `npm run reset -- --state ${shellPath(path)}`
}

function fileOf(path: string): string {
  return join(path, 'running.pid')
}
