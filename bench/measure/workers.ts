/** The Workers that are measured. */
import { bundleWorker } from '../support/bundle.ts'
import { BETTER_AUTH_SECRET } from '../support/better-auth.ts'
import type { WorkerOptions } from '../support/runtime.ts'

/** The entry file of each Worker, from the project's folder. */
const ENTRIES = {
  nothing: 'bench/workers/nothing.ts',
  'minimum refusal': 'bench/workers/minimum/refusal.ts',
  'barest batch': 'bench/workers/minimum/batch.ts',
  'minimum deletion': 'bench/workers/minimum/deletion.ts',
  'this project': 'src/index.ts',
  caller: 'bench/workers/caller.ts',
  tutorial: 'bench/workers/tutorial.ts',
  'better-auth': 'bench/workers/better-auth.ts',
}

export type WorkerName = keyof typeof ENTRIES

const OPTIONS: Partial<Record<WorkerName, WorkerOptions>> = {
  'better-auth': {
    compatibilityFlags: ['nodejs_compat'],
    bindings: { BETTER_AUTH_SECRET },
  },
}

/** The bundle of a Worker, and the options that it needs. */
export async function buildWorker(name: WorkerName, isWrapped = false) {
  return { script: await bundleWorker(ENTRIES[name], isWrapped), options: OPTIONS[name] ?? {} }
}
