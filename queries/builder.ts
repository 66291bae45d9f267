/**
 * The query builder and the parts that the queries share.
 */
import { exists, sql, type SQL } from 'drizzle-orm'
import type { SQLiteTable } from 'drizzle-orm/sqlite-core'
import { drizzle } from 'drizzle-orm/sqlite-proxy'
import type { Attempt } from '../src/database.ts'
import type { SweepValues } from '../src/sweep.ts'

/** Builds queries for `build.ts` to compile. There is no database behind it. */
export const db = drizzle(() => Promise.reject(new Error('Compile this query; it cannot run here')))

/** What to select if only the existence of a row counts. */
export const anyRow = { one: sql<number>`1` }

export function hasRow(table: SQLiteTable, condition: SQL | undefined): SQL {
  return exists(db.select(anyRow).from(table).where(condition))
}

/** A value that `src/` binds. All other values become constants in the text of the statement. */
export function parameter(name: keyof Attempt | keyof SweepValues): SQL {
  return sql`${sql.placeholder(name)}`
}
