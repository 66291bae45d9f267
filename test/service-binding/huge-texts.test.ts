/**
 * A service binding carries texts that no URL could. Each gets the answer of any other text: an ID that is longer than a
 * database can hold names nobody, and the log line stays short enough to be kept.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { forbidden, notFound, removed, unauthorized } from './outcomes'
import { startHostile, type Hostile } from './hostile'

/** Workers Logs cut what one request logs at 256 KB. */
const MAX_LINE_LENGTH = 64 * 1_024

let hostile: Hostile

beforeAll(async () => {
  hostile = await startHostile()
})

afterAll(() => hostile.stop())

test.each([
  ['userID', 'x', 500_000, notFound],
  ['userID', '字', 500_000, notFound],
  ['userID', '字', 500_001, notFound],
  ['userID', 'x', 2_000_001, notFound],
  ['userID', 'x', 20_000_000, notFound],
  ['organizationID', '字', 500_000, forbidden],
  ['organizationID', 'x', 2_000_001, forbidden],
  ['organizationID', 'x', 20_000_000, forbidden],
  ['token', 'x', 20_000_000, unauthorized],
  ['requestID', 'x', 20_000_000, removed],
  ['idempotencyKey', 'x', 20_000_000, removed],
  ['traceparent', '0', 20_000_000, removed],
] as const)('%s of "%s" × %i', async (field, text, times, outcome) => {
  const request = await hostile.addTarget()
  const seen = await hostile.ask({ request, repeated: [{ field, text, times }] })
  expect(seen.sight).toEqual({ outcome })
  expect(await hostile.isThere(request)).toBe(!outcome.ok)
  const [line] = seen.lines
  expect(line).toMatchObject({ message: 'request', transport: 'rpc' })
  expect(line?.['requestID']).toMatch(/^[\w-]{36}$/)
  expect(line).not.toHaveProperty('traceID')
  expect(seen.longest).toBeLessThan(MAX_LINE_LENGTH)
})

test('both IDs, each as long as D1 may be asked for', async () => {
  const repeated = (['organizationID', 'userID'] as const).map((field) => {
    return { field, text: '字', times: 500_000 }
  })
  const seen = await hostile.ask({ repeated })
  expect(seen.sight).toEqual({ outcome: forbidden })
  expect(seen.longest).toBeLessThan(MAX_LINE_LENGTH)
})

test('above 32 MiB the runtime refuses it in the caller, and the Worker is not called', async () => {
  const repeated = [{ field: 'userID', text: 'x', times: 34_000_000 } as const]
  const { sight, lines } = await hostile.ask({ repeated })
  expect(sight.thrown?.message).toContain('32MiB')
  expect(lines).toEqual([])
})
