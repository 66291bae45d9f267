/**
 * `migrations/` on an empty and on a filled database, applied one by one to local D1 by wrangler. A released file never
 * changes, and a migration loses no row.
 */
import { createHash } from 'node:crypto'
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'smol-toml'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createTestHarness } from 'wrangler'
import { writeIdentityConfig } from '../../dev/identity-worker.ts'
import { readDatabase, type Snapshot } from '../support/database'
import { createFolder } from '../support/node/folder'
import { createSeed } from '../../dev/seeder.ts'
import { readDocument } from './document'

/** SHA-256 of each released migration. A release adds the hashes of its own; no other change is permitted. */
const RELEASED: Readonly<Record<string, string>> = {
  '0001_tables.sql': '4f51d999541535b5ef6740eba1fbb4d685d710161023ea2115105311ddcbc5d1',
  '0002_built_in_roles.sql': '316d7dbce70465b4302a7c9a06ad1558be5eb88c49281793ac6446bb78ba8915',
  '0003_identity_recorded_groups.sql':
    '53aacaa069ff3a07640ad7a2956366edf6fc70a3db01664914ff4b6debf3257b',
  '0004_identity_deletion_outbox.sql':
    '06978ef49be6b03d4af69892a0b9eb68762943cc18dc37aea1d08b2567468bd0',
}

/** The Worker's configuration with an empty script, and the migrations that a test adds. */
const folder = await createFolder()
const configPath = writeIdentityConfig(folder, { main: 'idle.js', migrations: 'migrations' })
await writeFile(join(folder, 'idle.js'), 'export default {}')
vi.stubEnv('CLOUDFLARE_CF_FETCH_ENABLED', 'false')
const harness = createTestHarness({ root: folder, workers: [{ configPath }] })
await harness.listen()
let db: D1Database

const files = (await readdir('migrations')).toSorted()
const [first = '', ...later] = files

/** Adds files to the folder, and applies those that the database does not have. */
async function apply(...files: readonly string[]): Promise<void> {
  for (const file of files) {
    await copyFile(join('migrations', file), join(folder, 'migrations', file))
  }
  await harness.getWorker().applyD1Migrations('DB')
}

/** Writes a row into every table that the first migration creates. */
async function fill(): Promise<void> {
  const seed = createSeed()
  const organizationID = seed.organization()
  const role = seed.role(['organization identity:users delete', 'global identity:users delete'])
  const group = seed.group(organizationID, [role])
  seed.member(organizationID, { groups: [group], personOptions: { globalRoles: [role] } })
  seed.serviceAccount(organizationID, [group])
  seed.deletion({ idempotency_key: 'a key' })
  await seed.save(db)
  const empty = [...(await readDatabase(db))].filter(([, rows]) => rows.length === 0)
  expect(empty).toEqual([])
}

/** Returns the rows of `before` that `after` does not have. Columns that were added or removed do not count. */
function findLostRows(before: Snapshot, after: Snapshot): string[] {
  type Row = Readonly<Record<string, unknown>>
  return [...before].flatMap(([table, rows]) => {
    const left = (after.get(table) ?? []).map((row) => JSON.parse(row) as Row)
    const isLost = (text: string) => {
      const row = Object.entries(JSON.parse(text) as Row)
      return !left.some((other) =>
        row.every(([name, value]) => !(name in other) || other[name] === value),
      )
    }
    return rows.filter(isLost).map((row) => `${table} ${row}`)
  })
}

const list = async (sql: string) => (await db.prepare(sql).all()).results
const listApplied = () => list('SELECT name FROM d1_migrations ORDER BY id')
const all = files.map((name) => ({ name }))

describe('on local D1', () => {
  beforeEach(async () => {
    await rm(join(folder, 'migrations'), { recursive: true, force: true })
    await mkdir(join(folder, 'migrations'))
    await harness.reset()
    db = (await harness.getWorker<{ DB: D1Database }>().getEnv()).DB
  })

  afterAll(async () => {
    vi.unstubAllEnvs()
    await harness.close()
  })

  test('applies every migration to an empty database once', async () => {
    await apply(...files)
    const before = await readDatabase(db)
    await apply()
    expect(await readDatabase(db)).toEqual(before)
    expect(await listApplied()).toEqual(all)
  })

  test('loses no row of a filled database, and leaves no orphan', async () => {
    await apply(first)
    await fill()
    for (const file of later) {
      const before = await readDatabase(db)
      await apply(file)
      const lost = findLostRows(before, await readDatabase(db))
      const orphans = await list('PRAGMA foreign_key_check')
      expect({ file, lost, orphans }).toEqual({ file, lost: [], orphans: [] })
    }
  })

  test('applies a file that another Worker’s file replaced, after the documented statement', async () => {
    await writeFile(join(folder, 'migrations', first), 'CREATE TABLE sessions (id TEXT);')
    await apply()
    expect(await apply(...files).catch(String)).toContain('no such table: roles')
    const page = await readDocument('docs/data-model.md')
    const [toml, rename] = page.section('Migrations of your own').code.map(({ text }) => text)
    const { d1_databases } = parse(toml!) as { d1_databases: { migrations_table: string }[] }
    await db.prepare(rename!).run()
    await apply()
    expect(await listApplied()).toEqual(all)
    const { migrations_table } = d1_databases[0]!
    expect(await list(`SELECT name FROM ${migrations_table}`)).toEqual([{ name: first }])
  })
})

test('released migrations do not change, and new ones follow with names of this Worker', async () => {
  expect(files.map((file) => Number(file.split('_')[0]))).toEqual(
    files.map((_, index) => index + 1),
  )
  const released = Object.keys(RELEASED)
  const hashes = released.map(async (file) => {
    const hash = createHash('sha256').update(await readFile(join('migrations', file)))
    return [file, hash.digest('hex')] as const
  })
  expect(Object.fromEntries(await Promise.all(hashes))).toEqual(RELEASED)
  const added = files.filter((file) => !released.includes(file))
  expect(added.filter((file) => !/^\d{4}_identity_\w+\.sql$/.test(file))).toEqual([])
})
