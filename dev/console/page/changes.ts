/**
 * The difference between two readings of the database, row by row.
 */
import { TABLES, type Row, type Snapshot } from '../protocol.ts'

/** The rows of one table that were removed and added. */
export interface TableChange {
  readonly table: string
  readonly removed: readonly Row[]
  readonly added: readonly Row[]
}

/** The tables that differ. */
export function compareSnapshots(before: Snapshot, after: Snapshot): readonly TableChange[] {
  return TABLES.map((table) => ({
    table,
    removed: without(before[table], after[table]),
    added: without(after[table], before[table]),
  })).filter(({ removed, added }) => removed.length + added.length > 0)
}

function without(rows: readonly Row[], others: readonly Row[]): readonly Row[] {
  const known = new Set(others.map((row) => JSON.stringify(row)))
  return rows.filter((row) => !known.has(JSON.stringify(row)))
}
