/**
 * Workers whose process is known: it can be measured, and killed without a warning.
 */
import { mkdtempSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  startWorkers,
  type LocalWorkers,
  type LocalWorkersOptions,
} from '../../support/node/local-workers'

/** Workers and their process. */
export interface WorkersInProcess extends LocalWorkers {
  readonly pid: number
}

function findWorkerd(): string {
  const miniflare = createRequire(import.meta.url).resolve('miniflare')
  return (createRequire(miniflare)('workerd') as { default: string }).default
}

/** Starts Workers as `startWorkers` does; one runtime at a time. */
export async function startInProcess(options: LocalWorkersOptions): Promise<WorkersInProcess> {
  const pidFile = join(mkdtempSync(join(tmpdir(), 'identity-pid-')), 'pid')
  process.env['WORKERD_BINARY'] = findWorkerd()
  process.env['WORKERD_PID_FILE'] = pidFile
  process.env['MINIFLARE_WORKERD_PATH'] = join(import.meta.dirname, 'workerd.sh')
  try {
    const workers = await startWorkers(options)
    return { ...workers, pid: Number(readFileSync(pidFile, 'utf8')) }
  } finally {
    delete process.env['MINIFLARE_WORKERD_PATH']
  }
}
