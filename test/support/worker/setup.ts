/**
 * Prepares tests in workerd, whose files share a runtime. Each file gets an empty, migrated database; each test gets a
 * network of the test issuers alone, and a caught log.
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
