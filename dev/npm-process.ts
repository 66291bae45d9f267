/**
 * Ends this process if the npm that started it has ended without a signal, for example because it was killed: nothing that
 * a stack runs may outlive it unseen. Without npm or without `ps` it does nothing.
 */
import { execFileSync } from 'node:child_process'

const LOOK_MS = 1000

/** Checks once a second whether npm, or the shell through which it runs scripts, still runs. */
export function endWithNpm(): void {
  if (process.env['npm_lifecycle_event'] === undefined) return
  const parent = process.ppid
  const npm = parentOfShell(parent)
  setInterval(() => {
    if (process.ppid !== parent || (npm !== undefined && !isRunning(npm))) process.exit()
  }, LOOK_MS)
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

function parentOfShell(processID: number): number | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'ppid=,comm=', '-p', String(processID)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const [parent, command] = line.trim().split(/\s+/)
    return command?.endsWith('sh') ? Number(parent) : undefined
  } catch {
    return undefined // no ps: npm's signals still arrive
  }
}
