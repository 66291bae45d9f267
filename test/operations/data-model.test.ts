/**
 * docs/data-model.md says what `migrations/` makes, and its SQL does what it says it does.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compare, readDatabase } from '../support/database'
import { call } from '../support/node/client'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'
import { createSeed } from '../support/seed'
import { readCodeSpans, readDocument, type Section } from './document'
import { readTableRules } from './table-rules'

let document: Section
let issuer: ServedIssuer
let workers: LocalWorkers
let db: D1Database

beforeAll(async () => {
  document = await readDocument('docs/data-model.md')
  issuer = await serveIssuer()
  workers = await startWorkers({ identity: [{ vars: { ...issuer.vars } }] })
  db = workers.db
})

afterAll(async () => {
  await workers.stop()
  await issuer.stop()
})

/** Runs an example as a writer would: as one transaction. */
async function run(heading: string): Promise<void> {
  const [block] = document.section('Data in: SQL').section(heading).code
  const statements = block!.text.split(/;\s*$/m).filter((statement) => statement.trim() !== '')
  await db.batch(statements.map((statement) => db.prepare(statement)))
}

/** How a deletion of someone without any group ends for the bearer of a subject. */
async function tryToDelete(subject: string, organizationID = 'acme'): Promise<number> {
  const seed = createSeed()
  const target = seed.member(organizationID)
  await seed.save(db)
  const token = await issuer.token(subject)
  return (await call(workers.url, { ...target, token })).status
}

describe('the tables', () => {
  test('every table is described, and no other', async () => {
    const tables = [...(await readTableRules(db)).keys()]
    expect(document.section('Tables').headings.flatMap(readCodeSpans).toSorted()).toEqual(
      tables.toSorted(),
    )
  })

  test('each has the columns, values, keys and references that the document says', async () => {
    for (const [table, { columns, rules }] of await readTableRules(db)) {
      const section = document.section(`\`${table}\``)
      const described = section.tables[0]?.rows.map(([name = '', value]) => [
        readCodeSpans(name)[0],
        value,
      ])
      expect({ table, columns: described, rules: section.items.toSorted() }).toEqual({
        table,
        columns,
        rules: rules.toSorted(),
      })
    }
  })

  test('the built-in roles have the permissions that the document says', async () => {
    const { results } = await db
      .prepare(
        `SELECT r.id, r.name, p.scope, p.endpoint, p.operation FROM roles r
         LEFT JOIN role_permissions p ON p.role_id = r.id`,
      )
      .all<Record<'id' | 'name' | 'scope' | 'endpoint' | 'operation', string>>()
    const installed = results.map(({ id, scope, operation }) => `${id} ${scope} ${operation}`)
    const described = document
      .section('Built-in roles')
      .tables[0]!.rows.flatMap(([role = '', grants = '']) => {
        const [scope = 'null', ...operations] = readCodeSpans(grants)
        const named = operations.length > 0 ? operations : ['null']
        return named.map((operation) => `${readCodeSpans(role)[0]} ${scope} ${operation}`)
      })
    expect(installed.toSorted()).toEqual(described.toSorted())
    expect(results.every(({ id, name }) => id === name)).toBe(true)
    expect(new Set(results.map(({ endpoint }) => endpoint))).toEqual(
      new Set(['identity:users', null]),
    )
  })
})

describe('data in, by SQL', () => {
  test('an invited person can delete once it has accepted and is in the right group', async () => {
    await run('Create an organization')
    await run('Invite a person')
    expect(await tryToDelete('auth0|ada')).toBe(401)
    await run('Accept an invitation')
    expect(await tryToDelete('auth0|ada')).toBe(403)
    await run('Put a user into a group')
    expect(await tryToDelete('auth0|ada')).toBe(200)
  })

  test('to invite or to add once more changes nothing', async () => {
    const before = await readDatabase(db)
    await run('Invite a person')
    await run('Accept an invitation')
    await run('Put a user into a group')
    expect(compare(before, await readDatabase(db))).toEqual({ removed: {}, added: {} })
  })

  test('a group with the role of an auditor does not let its members delete', async () => {
    await run('Create a group with a role')
    const seed = createSeed()
    const auditor = seed.member('acme', { groups: ['acme-auditors'] })
    await seed.save(db)
    expect(await tryToDelete(auditor.person.subject)).toBe(403)
  })

  test('a service account can delete through a role of one’s own', async () => {
    await run("Add a role of one's own")
    await run('Add a service account')
    expect(await tryToDelete('acme-hr-sync')).toBe(200)
  })

  test('a platform administrator can delete in every organization', async () => {
    await run('Add a platform administrator')
    const seed = createSeed()
    const elsewhere = seed.organization()
    await seed.save(db)
    expect(await tryToDelete('auth0|grace')).toBe(200)
    expect(await tryToDelete('auth0|grace', elsewhere)).toBe(200)
  })

  test('who was suspended and let in again can delete; who is suspended cannot', async () => {
    await run('Suspend and let in again')
    expect(await tryToDelete('auth0|ada')).toBe(200)
    const [suspend = ''] = document
      .section('Suspend and let in again')
      .code[0]!.text.split(/;\s*$/m)
    await db.prepare(suspend).run()
    expect(await tryToDelete('auth0|ada')).toBe(403)
    await run('Suspend and let in again')
  })

  test('what the document calls refused is refused, and changes nothing', async () => {
    const { rows } = document.section('What the database refuses').tables[0]!
    expect(rows.length).toBeGreaterThan(0)
    const before = await readDatabase(db)
    for (const [cell = ''] of rows) {
      const [statement = ''] = readCodeSpans(cell)
      const outcome = await db.prepare(statement).run().catch(String)
      expect({ statement, outcome }).toEqual({
        statement,
        outcome: expect.stringContaining('constraint failed'),
      })
    }
    expect(compare(before, await readDatabase(db))).toEqual({ removed: {}, added: {} })
  })
})

test('no foreign key needs a scan of the table that has it when its parent goes', async () => {
  const references = [...(await readTableRules(db))].flatMap(([table, rules]) =>
    rules.references.map((columns) => ({ table, columns })),
  )
  expect(references.length).toBeGreaterThan(0)
  const plans = await db.batch<{ detail: string }>(
    references.map(({ table, columns }) => {
      const where = columns.map((column) => `"${column}" = 'x'`).join(' AND ')
      return db.prepare(`EXPLAIN QUERY PLAN SELECT 1 FROM "${table}" WHERE ${where}`)
    }),
  )
  const steps = plans.map(({ results }) => results.map(({ detail }) => detail).join('; '))
  expect(steps.filter((step) => !/^SEARCH [^;]*$/.test(step))).toEqual([])
})
