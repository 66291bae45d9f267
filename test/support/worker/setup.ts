/**
 * Before each test file in workerd: an empty, migrated database, though the files share a runtime. Before each test: no
 * network but the issuers under test, and the log caught instead of printed.
 */
import { applyD1Migrations, reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeAll, beforeEach, inject, vi } from 'vitest'
import { catchLog } from './log'
import { fetchFromIssuers } from './issuers'

beforeAll(async () => {
  await reset()
  await applyD1Migrations(env.DB, inject('migrations'))
})

beforeEach(() => {
  vi.spyOn(globalThis, 'fetch').mockImplementation(fetchFromIssuers)
  catchLog()
})

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})
