/**
 * `migrations/` on an empty and on a filled database, applied by wrangler's own code to local D1, one file after the
 * other. Forward only: what has been released is never edited, and nothing that is there gets lost.
 */
import { createHash } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'smol-toml'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createTestHarness, type TestHarness } from 'wrangler'
import { writeIdentityConfig } from '../../dev/identity-worker.ts'
import { readDatabase, type Snapshot } from '../support/database'
import { createSeed } from '../../dev/seeder.ts'
import { readDocument } from './document'

/** SHA-256 of every migration that a release has brought. A release adds its own; nothing else changes here. */
const RELEASED: Readonly<Record<string, string>> = {
  '0001_tables.sql': '4f51d999541535b5ef6740eba1fbb4d685d710161023ea2115105311ddcbc5d1',
  '0002_built_in_roles.sql': '316d7dbce70465b4302a7c9a06ad1558be5eb88c49281793ac6446bb78ba8915',
  '0003_identity_recorded_groups.sql':
    '53aacaa069ff3a07640ad7a2956366edf6fc70a3db01664914ff4b6debf3257b',
  '0004_identity_deletion_outbox.sql':
    '06978ef49be6b03d4af69892a0b9eb68762943cc18dc37aea1d08b2567468bd0',
}

/** The Worker's configuration beside migrations that a test adds one by one, with a Worker that does nothing. */
let folder: string
let harness: TestHarness
let db: D1Database

async function listMigrations(): Promise<string[]> {
  return (await readdir('migrations')).toSorted()
}

/** Adds files to the folder and applies what the database has not seen. */
async function apply(...files: readonly string[]): Promise<void> {
  for (const file of files) {
    await copyFile(join('migrations', file), join(folder, 'migrations', file))
  }
  await harness.getWorker().applyD1Migrations('DB')
}

/** Writes a row into every table that the first migration makes. */
async function fill(): Promise<void> {
  const seed = createSeed()
  const organizationID = seed.organization()
  const role = seed.role(['organization identity:users delete', 'global identity:users delete'])
  const group = seed.group(organizationID, [role])
  seed.member(organizationID, { groups: [group], personOptions: { globalRoles: [role] } })
  seed.serviceAccount(organizationID, [group])
  seed.row('user_deletions', {
    id: 'a deletion',
    organization_id: organizationID,
    organization_user_id: 'someone',
    user_id: 'some person',
    actor_kind: 'user',
    actor_subject: 'some administrator',
    groups_removed: 1,
    request_id: 'a request',
    idempotency_key: 'a key',
    deleted_at: 1,
  })
  await seed.save(db)
  const empty = [...(await readDatabase(db))].filter(([, rows]) => rows.length === 0)
  expect(empty).toEqual([])
}

type Row = Readonly<Record<string, unknown>>

/** The rows of `before` that `after` does not have; columns that came or went do not count. */
function findLostRows(before: Snapshot, after: Snapshot): string[] {
  return [...before].flatMap(([table, rows]) => {
    const left = (after.get(table) ?? []).map((row) => JSON.parse(row) as Row)
    return rows
      .filter((text) => {
        const row = Object.entries(JSON.parse(text) as Row)
        return !left.some((other) =>
          row.every(([name, value]) => !(name in other) || other[name] === value),
        )
      })
      .map((row) => `${table} ${row}`)
  })
}

async function findOrphans(): Promise<unknown[]> {
  return (await db.prepare('PRAGMA foreign_key_check').all()).results
}

describe('on local D1', () => {
  beforeAll(async () => {
    vi.stubEnv('CLOUDFLARE_CF_FETCH_ENABLED', 'false')
    folder = await mkdtemp(join(tmpdir(), 'identity-migrations-'))
    const configPath = writeIdentityConfig(folder, { main: 'idle.js', migrations: 'migrations' })
    await writeFile(join(folder, 'idle.js'), 'export default {}')
    harness = createTestHarness({ root: folder, workers: [{ configPath }] })
    await harness.listen()
  })

  beforeEach(async () => {
    await rm(join(folder, 'migrations'), { recursive: true, force: true })
    await mkdir(join(folder, 'migrations'))
    await harness.reset()
    db = (await harness.getWorker<{ DB: D1Database }>().getEnv()).DB
  })

  afterAll(async () => {
    vi.unstubAllEnvs()
    await harness.close()
    await rm(folder, { recursive: true })
  })

  test('an empty database gets every migration once', async () => {
    const files = await listMigrations()
    await apply(...files)
    const before = await readDatabase(db)
    await apply()
    expect(await readDatabase(db)).toEqual(before)
    const { results } = await db.prepare('SELECT name FROM d1_migrations ORDER BY id').all()
    expect(results).toEqual(files.map((name) => ({ name })))
  })

  test('a filled database loses no row by any later migration, and has no orphan', async () => {
    const [first = '', ...later] = await listMigrations()
    await apply(first)
    await fill()
    for (const file of later) {
      const before = await readDatabase(db)
      await apply(file)
      expect({ file, lost: findLostRows(before, await readDatabase(db)) }).toEqual({
        file,
        lost: [],
      })
      expect({ file, orphans: await findOrphans() }).toEqual({ file, orphans: [] })
    }
  })

  test('skips a file of the same name that another Worker applied; after the documented statement it is applied', async () => {
    const files = await listMigrations()
    await writeFile(join(folder, 'migrations', files[0]!), 'CREATE TABLE sessions (id TEXT);')
    await apply()
    const outcome = await apply(...files).catch(String)
    expect(outcome).toContain('no such table: roles')
    const page = await readDocument('docs/data-model.md')
    const [, rename] = page.section('Migrations of your own').code
    await db.prepare(rename!.text).run()
    await apply()
    const { results } = await db.prepare('SELECT name FROM d1_migrations ORDER BY id').all()
    expect(results).toEqual(files.map((name) => ({ name })))
  })

  test('a migration that rebuilds a table with foreign keys off, which D1 ignores, would be noticed', async () => {
    await apply(...(await listMigrations()))
    const before = await readDatabase(db)
    const rebuild = `PRAGMA foreign_keys=OFF;
    CREATE TABLE new_roles (id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
    INSERT INTO new_roles SELECT id, name FROM roles;
    DROP TABLE roles;
    ALTER TABLE new_roles RENAME TO roles;
    PRAGMA foreign_keys=ON;`
    await writeFile(join(folder, 'migrations', '9999_rebuild.sql'), rebuild)
    await apply()
    const lost = findLostRows(before, await readDatabase(db))
    expect(lost.length).toBeGreaterThan(0)
    expect(lost.filter((row) => !row.startsWith('role_permissions '))).toEqual([])
  })
})

test('released migrations are as they were released, and new ones come after them', async () => {
  const files = await listMigrations()
  expect(files.map((file) => Number(file.split('_')[0]))).toEqual(
    files.map((_, index) => index + 1),
  )
  expect(files.slice(0, Object.keys(RELEASED).length)).toEqual(Object.keys(RELEASED))
  for (const [file, released] of Object.entries(RELEASED)) {
    const text = await readFile(join('migrations', file))
    const sha256 = createHash('sha256').update(text).digest('hex')
    expect({ file, sha256 }).toEqual({ file, sha256: released })
  }
})

test('other Workers can keep their list of migrations in the table that docs/data-model.md names', async () => {
  const page = await readDocument('docs/data-model.md')
  const [toml, rename] = page.section('Migrations of your own').code.map(({ text }) => text)
  const config = parse(toml!) as { d1_databases: { migrations_table: string }[] }
  expect(rename).toBe(
    `ALTER TABLE d1_migrations RENAME TO ${config.d1_databases[0]!.migrations_table};`,
  )
})

test('migrations since 2.0 have names that those of other Workers are unlikely to have', async () => {
  const added = (await listMigrations()).slice(2)
  expect(added.filter((file) => !/^\d{4}_identity_\w+\.sql$/.test(file))).toEqual([])
})
