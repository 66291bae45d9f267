/**
 * Mixed calls at a steady rate, for ten minutes unless told otherwise: each gets its right answer, and the memory of the
 * runtime does not grow beyond what it needs to warm up. Run by `npm run soak`, which sets how long and how fast.
 */
import { afterAll, expect, test } from 'vitest'
import { call } from '../../support/node/client'
import { serveIssuer } from '../../support/node/jwks-server'
import { connectDatabase, DATABASE_WORKER } from '../rig/direct-database'
import { startInProcess } from '../rig/process'
import { median, readMemory } from './memory'
import { createMix } from './mix'

const SECONDS = Number(process.env['SOAK_SECONDS'])
const RATE = Number(process.env['SOAK_RATE'])
/** How much memory may come on top of what there was once the runtime was warm, in MiB. */
const MAX_GROWTH_MIB = 64
/** The part of the time that the runtime has to get warm. */
const WARM_UP = 0.2
const REPORT_SECONDS = SECONDS > 120 ? 30 : 5

const issuer = await serveIssuer()
const workers = await startInProcess({
  identity: [{ vars: { ...issuer.vars, KEEP_LAST_ADMINISTRATOR: 'true' } }],
  others: [DATABASE_WORKER],
})
afterAll(async () => {
  await workers.stop()
  await issuer.stop()
})

const counts = new Map<string, number>()
const wrong: string[] = []
const memory: number[] = []

async function makeCall(): Promise<void> {
  const { kind, sent, status } = await mix.next()
  const name = `${kind}: ${status}`
  try {
    const answer = await call(workers.url, sent)
    if (answer.status === status) counts.set(name, (counts.get(name) ?? 0) + 1)
    else wrong.push(`${name}, but got ${answer.status} ${answer.body}`)
  } catch (error) {
    wrong.push(`${name}, but ${String(error)}`)
  }
}

const mix = await createMix(issuer, connectDatabase(workers.urlOf(DATABASE_WORKER.name)))
const total = (): number => [...counts.values()].reduce((sum, count) => sum + count, 0)
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

function report(second: number): void {
  const held = memory.at(-1) ?? 0
  console.log(
    `${String(second).padStart(4)} s: ${total()} right answers, ${wrong.length} wrong; ` +
      `workerd holds ${held} MiB`,
  )
}

/** Starts calls at a steady rate, whether or not earlier ones have been answered. */
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
    if (second % REPORT_SECONDS === 0) report(second)
  }
  await Promise.all(calls)
}

test(`${RATE} calls a second for ${SECONDS} s get their right answers in bounded memory`, async () => {
  await load()
  console.log([...counts].map(([name, count]) => `  ${name} × ${count}`).join('\n'))
  expect(wrong.slice(0, 10)).toEqual([])
  expect(total()).toBe(SECONDS * RATE)
  expect(counts.size).toBe(11)

  const warm = memory.slice(Math.floor(SECONDS * WARM_UP))
  const [first, last] = [warm.slice(0, warm.length / 4), warm.slice(-warm.length / 4)].map(median)
  console.log(`  workerd: ${first} MiB once warm, ${last} MiB at the end`)
  expect((last ?? 0) - (first ?? 0)).toBeLessThan(MAX_GROWTH_MIB)
})
