/**
 * The databases of a run: local D1 files, migrated by the project's own files and filled by plain SQL while workerd is
 * down. Filling is the only thing done past D1; everything timed goes through it.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { PROJECT } from './paths.ts'
import { startRuntime, storageOf } from './runtime.ts'

const MIGRATIONS = join(PROJECT, 'migrations')

/** Makes empty D1 databases on disk and gives the file of each. What was there of an earlier run goes. */
export async function createDatabases(
  run: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  rmSync(storageOf(run), { recursive: true, force: true })
  const script = 'export default { fetch: () => new Response(null) }'
  const runtime = await startRuntime({
    run,
    workers: names.map((name) => ({ name: `toucher-${name}`, script, database: name })),
  })
  const files = new Map<string, string>()
  try {
    for (const name of names) {
      const before = new Set(listDatabaseFiles(run))
      await (await runtime.database(name)).prepare('SELECT 1').all()
      const file = listDatabaseFiles(run).find((path) => !before.has(path))
      if (file === undefined) throw new Error(`local D1 made no file for the database ${name}`)
      files.set(name, file)
    }
  } finally {
    await runtime.stop()
  }
  return files
}

function listDatabaseFiles(run: string): string[] {
  return readdirSync(storageOf(run), { recursive: true, encoding: 'utf8' })
    .filter((path) => /(^|\/)[0-9a-f]{64}\.sqlite$/.test(path))
    .map((path) => join(storageOf(run), path))
}

/** Opens a database file for filling: fast, and not safe against a crash, after which it would be made anew. */
export function openForFilling(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { enableForeignKeyConstraints: false })
  database.exec(
    'PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000; PRAGMA temp_store = MEMORY',
  )
  return database
}

/** Applies the project's migrations, in the order of their names. */
export function applyMigrations(database: DatabaseSync): void {
  for (const name of readdirSync(MIGRATIONS).toSorted()) {
    if (name.endsWith('.sql')) database.exec(readFileSync(join(MIGRATIONS, name), 'utf8'))
  }
}

/** Closes a filled database, after a look at its foreign keys. */
export function closeFilled(database: DatabaseSync): void {
  const orphans = database.prepare('PRAGMA foreign_key_check').all()
  if (orphans.length > 0) throw new Error(`the filled database has ${orphans.length} orphans`)
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
}
