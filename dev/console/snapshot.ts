/**
 * Reads the local database as it is right now. It changes nothing.
 */
import type { Database } from '../local-workers.ts'
import { TABLES, type Snapshot } from './protocol.ts'

/** Every row of every table that the page shows, read in one transaction. */
export async function readSnapshot(database: Database): Promise<Snapshot> {
  const results = await database.batch(
    TABLES.map((table) => database.prepare(`SELECT * FROM ${table}`)),
  )
  return Object.fromEntries(
    TABLES.map((table, index) => [table, results[index]?.results ?? []]),
  ) as unknown as Snapshot
}
