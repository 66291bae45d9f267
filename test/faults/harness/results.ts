/**
 * What the tests have seen, kept for the tables of docs/reliability.md. A table whose tests did not all run is absent,
 * and tables.ts says so.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const RESULTS = join(import.meta.dirname, '..', '.state')

/** One row of a table: the cells by the names of the columns, in their order. */
export type Row = Readonly<Record<string, string | number>>

/** The file in which a run of the tests leaves the rows of a table, as JSON. */
export function resultsOf(table: string): string {
  return join(RESULTS, `${table}.json`)
}

/** Forgets the rows of an earlier run. */
export function clearRows(table: string): void {
  rmSync(resultsOf(table), { force: true })
}

/** Keeps the rows of a table. */
export function writeRows(table: string, rows: readonly Row[]): void {
  mkdirSync(RESULTS, { recursive: true })
  writeFileSync(resultsOf(table), `${JSON.stringify(rows, null, 2)}\n`)
}
