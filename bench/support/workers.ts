/** The Workers that are measured, bundled as `wrangler deploy` does it, on local workerd with D1 on disk. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import * as esbuild from 'esbuild'
import { bundling, compatibility, VARIABLES } from '../../dev/identity-worker.ts'
import { type LocalWorker, startWorkers } from '../../dev/local-workers.ts'
import { ROOT } from '../../dev/wrangler.ts'

/** The file of each Worker, from the project's folder, and the name of its export. */
const ENTRIES = {
  nothing: ['bench/workers/minimum.ts', 'nothing'],
  'minimum refusal': ['bench/workers/minimum.ts', 'refusal'],
  'barest batch': ['bench/workers/minimum.ts', 'batch'],
  'minimum deletion': ['bench/workers/minimum.ts', 'deletion'],
  'this project': ['src/index.ts', 'default'],
  'without queue': ['bench/workers/without-queue.ts', 'default'],
  caller: ['bench/workers/caller.ts', 'default'],
  tutorial: ['bench/workers/tutorial.ts', 'default'],
} as const

export type WorkerName = keyof typeof ENTRIES

const scripts = new Map<string, Promise<string>>()

/**
 * The script of a Worker, bundled once a run.
 *
 * @param isWrapped puts `workers/wrapped.ts` around the Worker
 */
export function buildWorker(name: WorkerName, isWrapped = false): Promise<string> {
  const id = `${name} ${isWrapped}`
  const script = scripts.get(id) ?? build(name, isWrapped)
  scripts.set(id, script)
  return script
}

async function build(name: WorkerName, isWrapped: boolean): Promise<string> {
  const [entry, exported] = ENTRIES[name]
  const plain = `export { ${exported} as default } from '${ROOT}${entry}'`
  const result = await esbuild.build({
    stdin: {
      contents: isWrapped
        ? `import { ${exported} as target } from '${ROOT}${entry}'
           import { wrap } from '${ROOT}bench/workers/wrapped.ts'
           export default wrap(target)`
        : `${plain}; ${exported === 'default' ? `export * from '${ROOT}${entry}'` : ''}`,
      resolveDir: ROOT,
      loader: 'ts',
    },
    // wrangler's options, which it does not export
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    supported: { 'import-source': true, using: true },
    define: {
      'process.env.NODE_ENV': '"production"',
      'navigator.userAgent': '"Cloudflare-Workers"',
    },
    external: ['cloudflare:*', 'node:*'],
    ...bundling,
    logLevel: 'silent',
  })
  return result.outputFiles[0]!.text
}

/** A Worker to run, with every variable of this project. */
export function workerOf(
  name: string,
  script: string,
  options: Partial<LocalWorker> = {},
): LocalWorker {
  const bindings = { ...VARIABLES, ...options.bindings }
  return { ...compatibility, modules: true, ...options, name, script, bindings } as LocalWorker
}

/**
 * Starts Workers, with empty databases that `stop` removes. Their log lines go to a file, so that no process reads them
 * while a request is timed.
 */
export async function startRuntime(workers: readonly LocalWorker[]) {
  const state = join(ROOT, 'bench', '.state')
  mkdirSync(state, { recursive: true })
  const persistTo = mkdtempSync(join(state, 'run-'))
  const remove = () => rmSync(persistTo, { recursive: true, force: true })
  process.once('exit', remove)
  const logFile = join(persistTo, 'workerd.log')
  const running = await startWorkers({ workers, persistTo, logFile, showErrors: true })
  return {
    ...running,
    async stop() {
      await running.stop()
      remove()
      process.off('exit', remove)
    },
  }
}
