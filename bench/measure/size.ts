/**
 * Size and start: the bundle as deployed, and the CPU that one more isolate of it adds to the start of workerd, which is
 * for reading, compiling and running the script once. The Worker that does nothing shows how much of it is the runtime's.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { PROJECT } from '../rig/paths.ts'
import { canReadProcessCPU, readProcessCPU } from '../rig/process-cpu.ts'
import { startProgress } from '../rig/progress.ts'
import { startRuntime, storageOf } from '../rig/runtime.ts'
import { median } from '../rig/statistics.ts'
import { bundleOf, CATALOGUE, setUp } from './catalogue.ts'

const WORKERS = ['nothing', 'leastDeletion', 'identity', 'tutorial', 'betterAuth'] as const
const RUN = 'size'
const FEW = 1

export interface SizeResult {
  readonly title: string
  readonly rawBytes: number
  readonly gzipBytes: number
  /** Milliseconds of CPU that an isolate adds to the start; absent where the system does not tell. */
  readonly startMs?: number
}

export interface SizeOptions {
  readonly repetitions: number
  /** How many isolates are started beyond one. */
  readonly isolates: number
}

export async function measureSize({
  repetitions,
  isolates,
}: SizeOptions): Promise<readonly SizeResult[]> {
  const progress = startProgress('bundles and starts', WORKERS.length * repetitions)
  let done = 0
  const starts = new Map<string, number[]>(WORKERS.map((key) => [key, []]))
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const key of WORKERS) {
      const few = await measureStart(key, FEW)
      const many = await measureStart(key, FEW + isolates)
      starts.get(key)!.push((many - few) / isolates)
      progress.update((done += 1))
    }
  }
  progress.stop()
  const results: SizeResult[] = []
  for (const key of WORKERS) {
    const { title } = CATALOGUE[key]
    const { rawBytes, gzipBytes } = key === 'identity' ? bundleByWrangler() : await bundleOf(key)
    const startMs = median(starts.get(key)!)
    results.push({ title, rawBytes, gzipBytes, ...(!Number.isNaN(startMs) && { startMs }) })
  }
  return results
}

async function measureStart(key: (typeof WORKERS)[number], isolates: number): Promise<number> {
  const workers = await Promise.all(
    Array.from({ length: isolates }, (_, index) => setUp(key, { name: `${key}-${index}` })),
  )
  const runtime = await startRuntime({ run: RUN, workers })
  const used = canReadProcessCPU(runtime.pid) ? readProcessCPU(runtime.pid) : NaN
  await runtime.stop()
  rmSync(storageOf(RUN), { recursive: true, force: true })
  return used
}

/** What `wrangler deploy` would upload. */
function bundleByWrangler(): { rawBytes: number; gzipBytes: number } {
  const folder = mkdtempSync(join(tmpdir(), 'bench-bundle-'))
  try {
    execFileSync('npx', ['wrangler', 'deploy', '--dry-run', '--env=', '--outdir', folder], {
      cwd: PROJECT,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true' },
    })
    const script = readFileSync(join(folder, 'index.js'))
    return { rawBytes: script.byteLength, gzipBytes: gzipSync(script).byteLength }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
