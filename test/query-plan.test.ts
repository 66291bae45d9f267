/**
 * How SQLite finds the rows of each compiled statement: by keys and indexes alone.
 */
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import * as compiled from '../src/statements'

test.each(Object.entries(compiled))(
  'the statement %s scans no table and sorts nothing',
  async (_, { sql }) => {
    const plan = await explain(sql)
    expect(findTableScans(plan)).toEqual([])
    expect(plan.filter((step) => /AUTOMATIC|TEMP B-TREE/.test(step))).toEqual([])
  },
)

/** The scans of anything but a subquery of the same plan, a list of values, or one row without a table. */
function findTableScans(plan: readonly string[]): string[] {
  const subqueries = plan.flatMap(
    (step) => /^(?:CO-ROUTINE|MATERIALIZE) (.+)$/.exec(step)?.[1] ?? [],
  )
  const allowed = new Set(
    ['CONSTANT ROW', 'json_each VIRTUAL TABLE INDEX 1:', ...subqueries].map(
      (rows) => `SCAN ${rows}`,
    ),
  )
  return plan.filter((step) => /\bSCAN\b/.test(step) && !allowed.has(step))
}

/** The steps of SQLite's plan, as it words them. */
async function explain(sql: string): Promise<string[]> {
  const marks = new Set(sql.match(/\?\d+/g))
  const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...Array.from(marks, () => null))
    .all<{ detail: string }>()
  return results.map(({ detail }) => detail)
}

test('a scan would be seen: the plan of one names the table', async () => {
  const plan = await explain('SELECT * FROM users WHERE state = ?1')
  expect(plan).toEqual(['SCAN users'])
})
