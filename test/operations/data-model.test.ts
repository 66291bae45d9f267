/**
 * docs/data-model.md: the tables are those of `migrations/`, and the examples do what the page says.
 */
import { execFile } from 'node:child_process'
import { copyFile, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { createSeed } from '../../dev/seeder.ts'
import { compare, readDatabase } from '../support/database'
import { createFolder } from '../support/node/folder'
import { call } from '../support/node/client'
import { readDocument } from './document'
import { addRecord, createHarness } from './harness'

/** What the Drizzle examples export. */
interface Examples {
  createOrganization(db: D1Database, name: string): Promise<{ organizationID: string }>
  invite(db: D1Database, organizationID: string, subject: string): Promise<string>
  accept(db: D1Database, userID: string): Promise<void>
}

const { issuer, workers, db, tryToDelete, run } = await createHarness()
const page = await readDocument('docs/data-model.md')
const readSQL = (heading: string) => page.section(heading).code[0]!.text
const runExample = (heading: string) => run(readSQL(heading))

const folder = await createFolder()
const drizzle = page.section('Data in: Drizzle').code.map(({ text }) => text)
await writeFile(join(folder, 'examples.ts'), drizzle.join('\n'))
await copyFile('queries/schema.ts', join(folder, 'schema.ts'))
await symlink(resolve('node_modules'), join(folder, 'node_modules'))
const examples = (await import(join(folder, 'examples.ts'))) as Examples

/** Splits SQL into statements without comments and white space. */
const splitSQL = (sql: string) =>
  sql
    .replaceAll(/--.*$|\s/gm, '')
    .split(';')
    .filter((statement) => statement !== '')

describe('the tables', () => {
  test('are those that the migrations create', async () => {
    const schema = await run(
      `SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'`,
    )
    const created = schema.flatMap(({ sql }) => splitSQL(String(sql)))
    expect(splitSQL(readSQL('Tables')).toSorted()).toEqual(created.toSorted())
  })

  test('have the built-in roles', async () => {
    const installed = await run(
      `SELECT '\`' || r.id || '\`' AS role, endpoint,
         ifnull('\`' || scope || '\`: \`' || group_concat(operation, '\`, \`') || '\`', 'nothing') AS permissions
       FROM roles r LEFT JOIN role_permissions ON role_id = r.id GROUP BY r.id, scope, endpoint`,
    )
    const described = page.section('Built-in roles').tables[0]!.rows
    expect(installed.map(({ role, permissions }) => [role, permissions])).toEqual(described)
    const endpoints = new Set(installed.map(({ endpoint }) => endpoint))
    expect(endpoints).toEqual(new Set(['identity:users', null]))
    expect(await run('SELECT id FROM roles WHERE id <> name')).toEqual([])
  })

  test('need no scan for a foreign key when a parent row is deleted', async () => {
    const keys = await run(
      `SELECT t.name, group_concat(format('"%w" = 1', k."from"), ' AND ') AS condition
       FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) k
       WHERE t.name NOT LIKE '\\_cf\\_%' ESCAPE '\\' GROUP BY t.name, k.id`,
    )
    expect(keys).toHaveLength(13)
    for (const { name, condition } of keys) {
      const plan = await run(
        `EXPLAIN QUERY PLAN SELECT 1 FROM ${String(name)} WHERE ${String(condition)}`,
      )
      expect(plan.map(({ detail }) => detail)).toEqual([expect.stringMatching(/^SEARCH /)])
    }
  })
})

const setState = (state: string) =>
  run(`UPDATE users SET state = '${state}'; \n UPDATE organization_users SET state = '${state}'`)

describe('data in', () => {
  test('by Drizzle compiles in a Worker’s project', async () => {
    const config = {
      extends: resolve('tsconfig.json'),
      compilerOptions: { noEmit: true },
      files: ['examples.ts', resolve('worker-configuration.d.ts')],
      include: [],
    }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
    const compiler = resolve('node_modules/typescript/bin/tsc')
    const compiled = promisify(execFile)(process.execPath, [compiler, '-p', folder])
    const { stdout } = await compiled.catch((error: { stdout: string }) => error)
    expect(stdout).toBe('')
  })

  test('by SQL lets an invited person delete after it accepted and joined the administrators', async () => {
    await runExample('Create an organization')
    await runExample('Invite a person')
    expect(await tryToDelete('auth0|lin', 'globex')).toBe(401)
    await runExample('Accept an invitation')
    expect(await tryToDelete('auth0|lin', 'globex')).toBe(403)
    await runExample('Put a user into a group')
    expect(await tryToDelete('auth0|lin', 'globex')).toBe(200)
  })

  test('by Drizzle does the same, for two organizations', async () => {
    const { organizationID } = await examples.createOrganization(db, 'Acme Ltd')
    const userID = await examples.invite(db, organizationID, 'auth0|max')
    expect(await tryToDelete('auth0|max', organizationID)).toBe(401)
    await examples.accept(db, userID)
    expect(await tryToDelete('auth0|max', organizationID)).toBe(403)
    await db
      .prepare(`INSERT INTO group_members SELECT ?1, id, ?2 FROM groups WHERE organization_id = ?1`)
      .bind(organizationID, userID)
      .run()
    expect(await tryToDelete('auth0|max', organizationID)).toBe(200)

    const second = await examples.createOrganization(db, 'Second')
    expect(await examples.invite(db, second.organizationID, 'auth0|max')).not.toBe(userID)
    expect(await examples.invite(db, organizationID, 'auth0|max')).toBe(userID)
  })

  test.each([
    ['SQL', () => runExample('Accept an invitation')],
    ['Drizzle', () => examples.accept(db, 'globex-lin')],
  ])('by %s keeps a suspended person suspended', async (_, accept) => {
    await setState('suspended')
    const before = await readDatabase(db)
    await accept()
    expect(compare(before, await readDatabase(db))).toEqual({ removed: {}, added: {} })
    await setState('active')
  })

  test('changes nothing the second time', async () => {
    const before = await readDatabase(db)
    await runExample('Invite a person')
    await runExample('Accept an invitation')
    await runExample('Put a user into a group')
    expect(await examples.invite(db, 'globex', 'auth0|lin')).toBe('globex-lin')
    await examples.accept(db, 'globex-lin')
    expect(compare(before, await readDatabase(db))).toEqual({ removed: {}, added: {} })
  })

  test('lets a service account delete through a new role', async () => {
    await runExample('Add your own role')
    await runExample('Add a service account')
    expect(await tryToDelete('globex-hr-sync', 'globex')).toBe(200)
  })

  test('lets a platform administrator delete in an organization of others', async () => {
    await runExample('Add a platform administrator')
    expect(await tryToDelete('auth0|grace', 'globex')).toBe(200)
  })

  test('suspends a person and ends the suspension', async () => {
    const [suspend = '', end = ''] = readSQL('Suspend a person and end the suspension').split('\n')
    await run(suspend)
    expect(await tryToDelete('auth0|lin', 'globex')).toBe(403)
    await run(end)
    expect(await tryToDelete('auth0|lin', 'globex')).toBe(200)
  })
})

describe('what writers must ensure', () => {
  test('the query finds a service account that locks a person out', async () => {
    const sql = readSQL('What writers must ensure')
    expect(await run(sql)).toEqual([])
    await run(`INSERT INTO service_accounts VALUES ('auth0|grace', 'globex', '')`)
    expect(await run(sql)).toEqual([{ id: 'auth0|grace' }])
    expect(await tryToDelete('auth0|grace', 'globex')).toBe(401)
  })

  test('a repeat with the old key does not delete a new user that has a used ID', async () => {
    const headers = { 'Idempotency-Key': 'once' }
    const token = await issuer.token('auth0|lin')
    const target = { organizationID: 'globex', userID: 'globex-again', token, headers }
    for (const subject of ['first', 'second']) {
      const seed = createSeed()
      seed.member('globex', { id: target.userID, personOptions: { subject } })
      await seed.save(db)
      expect((await call(workers.url, target)).status).toBe(200)
    }
    const users = await run(
      `SELECT subject FROM organization_users m JOIN users u ON u.id = user_id
       WHERE m.id = 'globex-again'`,
    )
    expect(users).toEqual([{ subject: 'second' }])
  })
})

test('the statement reads all new deletion records, also one with a smaller ID than one that was read', async () => {
  await run('DELETE FROM user_deletions')
  const sql = readSQL('Read the deletion records')
  const read = async () => (await run(sql)).map(({ id }) => id)
  const [, early] = [
    await addRecord(db, { deleted_at: Date.now() - 601_000 }),
    await addRecord(db, { deleted_at: Date.now() - 10_000 }),
  ]
  expect(await read()).toEqual([early])
  const late = await addRecord(db, { deleted_at: Date.now() - 20_000 })
  expect(await read()).toEqual([late, early])
  const [plan] = await run(`EXPLAIN QUERY PLAN ${sql}`)
  expect(plan?.['detail']).toBe('SEARCH user_deletions USING PRIMARY KEY (id>?)')
})
