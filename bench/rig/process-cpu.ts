/** How much CPU a process has used, to the nanosecond, as Linux counts it: all its threads, user and system together. */
import { readdirSync, readFileSync } from 'node:fs'

/** Whether this system tells (`/proc`, so Linux). */
export function canReadProcessCPU(pid: number): boolean {
  try {
    readProcessCPU(pid)
    return true
  } catch {
    return false
  }
}

/** CPU time of a process so far, in milliseconds. Threads that have ended do not count; workerd keeps its own. */
export function readProcessCPU(pid: number): number {
  let nanoseconds = 0
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [running = ''] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')
    nanoseconds += Number(running)
  }
  return nanoseconds / 1e6
}
