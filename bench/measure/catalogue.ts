/** Every Worker that is measured: where its code is, and what it must run with. */
import { type Bundle, type BundleOptions, bundleWorker } from '../rig/bundle.ts'
import { BETTER_AUTH_SECRET } from '../rig/session.ts'
import type { WorkerSetup } from '../rig/runtime.ts'

interface Entry {
  readonly title: string
  readonly path: string
  readonly flags?: readonly string[]
  readonly variables?: Readonly<Record<string, string>>
}

export const CATALOGUE = {
  nothing: { title: 'nothing', path: 'bench/workers/limit/nothing.ts' },
  leastRefusal: { title: 'least refusal', path: 'bench/workers/limit/least-refusal.ts' },
  barestBatch: { title: 'barest batch', path: 'bench/workers/limit/barest-batch.ts' },
  leastDeletion: { title: 'least deletion', path: 'bench/workers/limit/least-deletion.ts' },
  identity: { title: 'this project', path: 'src/index.ts' },
  caller: { title: 'caller of the binding', path: 'bench/workers/caller.ts' },
  tutorial: { title: 'tutorial', path: 'bench/workers/tutorial/index.ts' },
  tutorialKeysGiven: {
    title: 'tutorial, keys given',
    path: 'bench/workers/tutorial/keys-given.ts',
  },
  betterAuth: {
    title: 'better-auth',
    path: 'bench/workers/better-auth/index.ts',
    flags: ['nodejs_compat'],
    variables: { BETTER_AUTH_SECRET },
  },
} as const satisfies Record<string, Entry>

export type WorkerKey = keyof typeof CATALOGUE

const bundles = new Map<string, Promise<Bundle>>()

/** The bundle of a Worker, built once a run. */
export function bundleOf(
  key: WorkerKey,
  options: Omit<BundleOptions, 'entry'> = {},
): Promise<Bundle> {
  const id = JSON.stringify([key, options])
  let bundle = bundles.get(id)
  if (bundle === undefined) {
    bundle = bundleWorker({ entry: CATALOGUE[key].path, ...options })
    bundles.set(id, bundle)
  }
  return bundle
}

/** How to run a Worker under a name: an isolate of its own. */
export async function setUp(
  key: WorkerKey,
  setup: Omit<WorkerSetup, 'script'>,
  options?: Omit<BundleOptions, 'entry'>,
): Promise<WorkerSetup> {
  const { flags, variables } = CATALOGUE[key] as Entry
  const { script } = await bundleOf(key, options)
  return {
    ...setup,
    script,
    ...(flags !== undefined && { flags }),
    variables: { ...variables, ...setup.variables },
  }
}
