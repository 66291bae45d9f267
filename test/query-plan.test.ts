/**
 * How does SQLite find the rows of each statement? By keys and indexes alone: none of them scans a table.
 */
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { watch } from './support/database'
import { setStage } from './support/worker/stage'

test.each(['false', 'true'])(
  'no statement of a deletion scans a table, with KEEP_LAST_ADMINISTRATOR %s',
  async (KEEP_LAST_ADMINISTRATOR) => {
    const { db, statements } = watch(env.DB)
    const { callAs, world } = await setStage({ vars: { KEEP_LAST_ADMINISTRATOR, DB: db } })
    await callAs(world.administrator)
    expect(statements).toHaveLength(4)
    for (const sql of statements) {
      const plan = await explain(sql)
      expect(findTableScans(plan)).toEqual([])
      expect(plan.filter((step) => /AUTOMATIC|TEMP B-TREE/.test(step))).toEqual([])
    }
  },
)

/** The scans of anything but the rows of a subquery of the same plan, or of one row without a table. */
function findTableScans(plan: readonly string[]): string[] {
  const subqueries = plan.flatMap(
    (step) => /^(?:CO-ROUTINE|MATERIALIZE) (.+)$/.exec(step)?.[1] ?? [],
  )
  const allowed = new Set(['CONSTANT ROW', ...subqueries].map((rows) => `SCAN ${rows}`))
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
