/** Local workerd with D1 on disk. Log lines go to a file, so that no process reads them while a request is timed. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { compatibility, VARIABLES } from '../../dev/identity-worker.ts'
import { type LocalWorker, startWorkers } from '../../dev/local-workers.ts'
import { ROOT } from '../../dev/wrangler.ts'

const STATE = join(ROOT, 'bench', '.state')

/** What miniflare can give a Worker: bindings, flags. */
export type WorkerOptions = Partial<Omit<LocalWorker, 'name'>>

export type Runtime = Awaited<ReturnType<typeof startRuntime>>

/** A Worker to run, with the variables of this project besides its own. */
export function workerOf(name: string, script: string, options: WorkerOptions = {}): LocalWorker {
  const bindings = { ...VARIABLES, ...options.bindings }
  return { ...compatibility, modules: true, ...options, name, script, bindings } as LocalWorker
}

/** Starts Workers, with empty databases that `stop` removes. */
export async function startRuntime(workers: readonly LocalWorker[]) {
  mkdirSync(STATE, { recursive: true })
  const persistTo = mkdtempSync(join(STATE, 'run-'))
  const remove = () => rmSync(persistTo, { recursive: true, force: true })
  process.once('exit', remove)
  const logFile = join(persistTo, 'workerd.log')
  const running = await startWorkers({ workers, persistTo, logFile, showErrors: true })
  return {
    pid: running.pid,
    originOf: (worker: string) => running.urlOf(worker).origin,
    /** The database that a Worker has as `DB`. */
    databaseOf: async (worker: string) =>
      (await running.databaseOf(worker)) as unknown as D1Database,
    async stop() {
      await running.stop()
      remove()
      process.off('exit', remove)
    },
  }
}
