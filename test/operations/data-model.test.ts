/**
 * docs/data-model.md describes the tables that `migrations/` creates, and its SQL does what the page says. The examples
 * run on a database that has the first rows of examples/first-data.sql.
 */
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compare, readDatabase } from '../support/database'
import { call } from '../support/node/client'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'
import { createSeed } from '../../dev/seeder.ts'
import { addRecord as addRecordTo, recordID } from './deletion-records'
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
  await runAll(await readFile('examples/first-data.sql', 'utf8'))
})

afterAll(async () => {
  await workers.stop()
  await issuer.stop()
})

/** Runs statements as a writer would: as one transaction. */
async function runAll(sql: string): Promise<void> {
  const statements = sql.split(/;\s*$/m).filter((statement) => statement.trim() !== '')
  await db.batch(statements.map((statement) => db.prepare(statement)))
}

/** Runs an example. */
async function run(heading: string): Promise<void> {
  await runAll(document.section('Data in: SQL').section(heading).code[0]!.text)
}

/** How a deletion of someone without any group ends for the bearer of a subject. */
async function tryToDelete(subject: string, organizationID = 'globex'): Promise<number> {
  const seed = createSeed()
  const target = seed.member(organizationID)
  await seed.save(db)
  const token = await issuer.token(subject)
  return (await call(workers.url, { ...target, token })).status
}

const addRecord = (id: string) => addRecordTo(db, id)

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
    expect(await tryToDelete('auth0|lin')).toBe(401)
    await run('Accept an invitation')
    expect(await tryToDelete('auth0|lin')).toBe(403)
    await run('Put a user into a group')
    expect(await tryToDelete('auth0|lin')).toBe(200)
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
    const auditor = seed.member('globex', { groups: ['globex-auditors'] })
    await seed.save(db)
    expect(await tryToDelete(auditor.person.subject)).toBe(403)
  })

  test('a service account can delete through a role of one’s own', async () => {
    await run("Add a role of one's own")
    await run('Add a service account')
    expect(await tryToDelete('globex-hr-sync')).toBe(200)
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
    expect(await tryToDelete('auth0|lin')).toBe(200)
    const [suspend = ''] = document
      .section('Suspend and let in again')
      .code[0]!.text.split(/;\s*$/m)
    await db.prepare(suspend).run()
    expect(await tryToDelete('auth0|lin')).toBe(403)
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

async function findDoubleNames(): Promise<unknown[]> {
  const [query] = document.section('What writers must ensure').code
  return (await db.prepare(query!.text).all()).results
}

describe('what writers must ensure', () => {
  test('the query finds a service account that has the subject of a person, who is locked out', async () => {
    expect(await findDoubleNames()).toEqual([])
    const seed = createSeed()
    seed.serviceAccount('globex', [], 'auth0|grace')
    await seed.save(db)
    expect(await findDoubleNames()).toEqual([{ id: 'auth0|grace' }])
    expect(await tryToDelete('auth0|grace')).toBe(401)
    await db.prepare(`DELETE FROM service_accounts WHERE id = 'auth0|grace'`).run()
    expect(await tryToDelete('auth0|grace')).toBe(200)
  })

  test('a user ID that is used again keeps its new user from a repeat with the old key', async () => {
    const headers = { 'Idempotency-Key': 'once' }
    const token = await issuer.token('auth0|lin')
    const target = { organizationID: 'globex', userID: 'globex-again', token, headers }
    for (const subject of ['first', 'second']) {
      const seed = createSeed()
      seed.member('globex', { id: target.userID, personOptions: { subject } })
      await seed.save(db)
      expect((await call(workers.url, target)).status).toBe(200)
    }
    const { results } = await db
      .prepare(
        'SELECT subject FROM organization_users m JOIN users u ON u.id = m.user_id WHERE m.id = ?',
      )
      .bind(target.userID)
      .all()
    expect(results).toEqual([{ subject: 'second' }])
  })
})

describe('the deletion records', () => {
  test('are all read by the statement, also one that appears behind a record that was read', async () => {
    await db.prepare('DELETE FROM user_deletions').run()
    const [query] = document.section('Read the deletion records').code
    const read = async (sql = query!.text) => {
      const { results } = await db.prepare(sql).all<{ id: string }>()
      return results.map(({ id }) => id)
    }
    const [tooOld, late, early] = [601_000, 20_000, 10_000].map((ago) => recordID(Date.now() - ago))
    await addRecord(tooOld!)
    await addRecord(early!)
    expect(await read()).toEqual([early])
    await addRecord(late!)
    expect(await read(`SELECT id FROM user_deletions WHERE id > '${early}'`)).toEqual([])
    expect(await read()).toEqual([late, early])
    const plan = await db.prepare(`EXPLAIN QUERY PLAN ${query!.text}`).all<{ detail: string }>()
    expect(plan.results[0]?.detail).toBe('SEARCH user_deletions USING PRIMARY KEY (id>?)')
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
