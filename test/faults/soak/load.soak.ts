/**
 * Mixed calls at a steady rate: each gets the expected response, and the memory of the runtime does not grow after a
 * warm-up. `npm run soak` sets the duration and the rate.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { call } from '../../support/node/client'
import { startIdentity } from '../harness/start'
import { measureHeap } from './heap'
import { createMix } from './mix'

const SECONDS = Number(process.env['SOAK_SECONDS'] ?? 30)
const RATE = Number(process.env['SOAK_RATE'] ?? 100)
/** The permitted growth after the warm-up. The process also runs local D1, which collects its garbage late. */
const MAX_HEAP_GROWTH_MIB = 1
const MAX_PROCESS_GROWTH_MIB = 128
/** The part of the time that is the warm-up. */
const WARM_UP = 0.25
const MIB = 1024 * 1024
const REPORT_SECONDS = SECONDS > 120 ? 30 : 5

const workers = await startIdentity({
  identity: [{ vars: { KEEP_LAST_ADMINISTRATOR: 'true' } }],
  inspect: true,
})
const inspector = await workers.inspectorURL()
afterAll(() => workers.stop())
const mix = await createMix(workers.issuer, workers.db)

const counts = new Map<string, number>()
const unexpected: string[] = []
/** In MiB: of the process every second, of the Worker's isolate with every report. */
const memory: number[] = []
const heaps: number[] = []

/** The resident memory of a process, in MiB. A small Linux image has no `ps`. */
function readMemory(pid: number): number {
  const status = `/proc/${pid}/status`
  const kilobytes = existsSync(status)
    ? /^VmRSS:\s+(\d+)/m.exec(readFileSync(status, 'utf8'))?.[1]
    : execFileSync('ps', ['-o', 'rss=', '-p', String(pid)])
  return Math.round(Number(kilobytes) / 1_024)
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

async function makeCall(): Promise<void> {
  const { kind, sent, status } = await mix.next()
  const name = `${kind}: ${status}`
  try {
    const response = await call(workers.url, sent)
    if (response.status === status) counts.set(name, (counts.get(name) ?? 0) + 1)
    else unexpected.push(`${name}, but got ${response.status} ${response.body}`)
  } catch (error) {
    unexpected.push(`${name}, but ${String(error)}`)
  }
}

const countExpected = (): number => [...counts.values()].reduce((sum, count) => sum + count, 0)
const nudge = (): Promise<unknown> => call(workers.url, { path: '/nowhere' })

async function report(second: number): Promise<void> {
  const heap = (await measureHeap(inspector, 'identity', nudge)) / MIB
  if (second > SECONDS * WARM_UP) heaps.push(heap)
  console.log(
    `${String(second).padStart(5)} s: ${countExpected()} expected responses, ` +
      `${unexpected.length} others; the Worker holds ${heap.toFixed(1)} MiB, workerd ${memory.at(-1)}`,
  )
}

/** Starts calls at a steady rate, without waiting for the responses to earlier ones. */
async function load(): Promise<void> {
  const begun = Date.now()
  const calls: Promise<void>[] = []
  for (let second = 1; second <= SECONDS; second += 1) {
    for (let started = 0; started < RATE; started += 1) {
      const due = begun + (second - 1 + started / RATE) * 1_000
      if (due > Date.now()) await pause(due - Date.now())
      calls.push(makeCall())
    }
    memory.push(readMemory(workers.pid))
    if (second % REPORT_SECONDS === 0) calls.push(report(second))
  }
  await Promise.all(calls)
}

test(`${RATE} calls a second for ${SECONDS} s get the expected responses in bounded memory`, async () => {
  await load()
  console.log([...counts].map(([name, count]) => `  ${name} × ${count}`).join('\n'))
  expect(unexpected.slice(0, 10)).toEqual([])
  expect(countExpected()).toBe(SECONDS * RATE)
  expect(counts.size).toBe(mix.kinds)

  const warm = memory.slice(Math.floor(SECONDS * WARM_UP))
  const [first, last] = [
    median(warm.slice(0, warm.length / 4)),
    median(warm.slice(-warm.length / 4)),
  ]
  console.log(`  workerd: ${first} MiB after the warm-up, ${last} MiB at the end`)
  // The heap includes a request that is running, so the minimum of each half is compared.
  const half = Math.ceil(heaps.length / 2)
  const [before, after] = [Math.min(...heaps.slice(0, half)), Math.min(...heaps.slice(half))]
  expect(after - before).toBeLessThan(MAX_HEAP_GROWTH_MIB)
  expect(last - first).toBeLessThan(MAX_PROCESS_GROWTH_MIB)
})
