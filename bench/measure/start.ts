/**
 * Size and start: the bundle as deployed, and the CPU that the start of an isolate takes above that of an empty Worker,
 * for reading, compiling and running the script once.
 */
import { gzipSync } from 'node:zlib'
import { median, shuffle } from 'simple-statistics'
import { startProgress } from '../support/progress.ts'
import { type Comparison, compareAll, type Ratios } from '../support/statistics.ts'
import { buildWorker, startRuntime, type WorkerName, workerOf } from '../support/workers.ts'
import { readProcessCPU } from './rounds.ts'

const KINDS: Partial<Record<WorkerName, Comparison>> = {
  nothing: {},
  'minimum deletion': {},
  'this project': { atMost: { 'minimum deletion': 2.5, tutorial: 1 } },
  tutorial: {},
}
const NAMES = Object.keys(KINDS) as WorkerName[]

const FULL = { isolates: 48, repetitions: 15 }
const QUICK = { isolates: 16, repetitions: 2 }

export interface StartResult {
  readonly workers: Readonly<
    Record<string, { rawBytes: number; gzipBytes: number; startMs: number }>
  >
  /** Ratios of the CPU above that of the empty Worker. */
  readonly ratios: Ratios
}

export async function measureStart(quick: boolean): Promise<StartResult> {
  const { isolates, repetitions } = quick ? QUICK : FULL
  const used = new Map(NAMES.map((name) => [name, [] as number[]]))
  const update = startProgress('starts of isolates', repetitions)
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const name of shuffle([...NAMES])) {
      used.get(name)!.push(await measureOnce(name, isolates))
    }
    update(repetition + 1)
  }
  const empty = median(used.get('nothing')!)
  const above = new Map(NAMES.map((name) => [name, used.get(name)!.map((ms) => ms - empty)]))
  const workers: Record<string, StartResult['workers'][string]> = {}
  for (const name of NAMES) {
    const script = await buildWorker(name)
    workers[name] = {
      rawBytes: Buffer.byteLength(script),
      gzipBytes: gzipSync(script).byteLength,
      startMs: median(above.get(name)!),
    }
  }
  return { workers, ratios: compareAll(KINDS, above) }
}

/** CPU of a process with many isolates of one Worker, per isolate, in milliseconds. */
async function measureOnce(name: WorkerName, isolates: number): Promise<number> {
  const script = await buildWorker(name)
  const runtime = await startRuntime(
    Array.from({ length: isolates }, (_, index) => workerOf(`isolate-${index}`, script)),
  )
  try {
    return readProcessCPU(runtime.pid) / isolates
  } finally {
    await runtime.stop()
  }
}
