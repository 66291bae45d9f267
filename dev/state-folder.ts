/**
 * The folder that keeps the state of the local stack: databases, the provider's secrets, tokens. One stack at a time
 * uses it; a file holds the process ID of that stack.
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
import { ROOT } from './wrangler.ts'

/** Where `npm start` keeps its state, in the checkout. */
export const DEFAULT_STATE_FOLDER = join(ROOT, '.state', 'default')

export type StateFolder = ReturnType<typeof stateFolder>

/** The paths of a state folder, whether or not it exists. */
export function stateFolder(folder: string) {
  const path = resolve(folder)
  return {
    path,
    /** The folder for wrangler's `--persist-to`. */
    databases: join(path, 'databases'),
    builds: join(path, 'builds'),
    tokens: join(path, 'tokens'),
    providerSecrets: join(path, 'provider-secrets.json'),
    /** The Worker of the stack as a configuration for wrangler, for a Worker that binds to it. */
    config: join(path, 'wrangler.json'),
    running: join(path, 'running.pid'),
  }
}

/** What the stack makes in its folder; wrangler makes the last one. */
const OWN =
  /^(?:databases|builds|tokens|provider-secrets\.json|running\.pid|wrangler\.json|\.wrangler)$/

/**
 * Reserves the folder for this process, and makes it if there is none.
 * @returns a function that releases it
 * @throws Advice if another running process uses it, or if it has files that no stack made
 */
export function takeStateFolder({ path, running }: StateFolder): () => void {
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
  rmSync(running, { force: true })
  writeFileSync(running, String(process.pid), { flag: 'wx' })
  const release = () => rmSync(running, { force: true })
  process.once('exit', release)
  return () => {
    process.off('exit', release)
    release()
  }
}

/**
 * Removes the files that a stack made in a folder, and the folder if it has no other files.
 * @returns the names of the other files
 * @throws Advice if a running process uses the folder, or if no stack made it
 */
export function emptyStateFolder(path: string): string[] {
  requireUnused(path)
  if (!isStateFolder(path)) {
    const name = shellPath(path)
    throw new Advice(`${name} is not a folder that \`npm start\` made. Nothing was removed.`)
  }
  const names = readdirSync(path)
  const others = names.filter((name) => !OWN.test(name))
  for (const name of names) {
    if (OWN.test(name)) rmSync(join(path, name), { recursive: true })
  }
  if (others.length === 0) rmdirSync(path)
  return others
}

/** Whether the folder has one of the first files that a stack writes. */
function isStateFolder(path: string): boolean {
  const { providerSecrets, running } = stateFolder(path)
  return existsSync(providerSecrets) || existsSync(running)
}

function requireUnused(path: string): void {
  const { running } = stateFolder(path)
  if (!existsSync(running)) return
  const processID = Number(readFileSync(running, 'utf8'))
  if (!isRunning(processID)) return
  throw new Advice(
    `A stack runs on the state in ${shellPath(path)}: process ${processID}. Stop it first (Ctrl-C where it runs),\n` +
      'or start another one beside it: npm start -- --state .state/another\n' +
      `If process ${processID} is something else, remove ${shellPath(running)} and try again.`,
  )
}

/** Whether a process runs, of this user or of another. */
export function isRunning(processID: number): boolean {
  if (!Number.isSafeInteger(processID) || processID <= 0) return false
  try {
    process.kill(processID, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
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
