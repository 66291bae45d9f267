/**
 * The Drizzle examples of docs/data-model.md, taken out of the document as they stand there, beside the schema that it
 * tells readers to copy: they compile under the project's own compiler options, and do what they say.
 */
import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compare, readDatabase } from '../support/database'
import { call } from '../support/node/client'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'
import { createSeed } from '../../dev/seeder.ts'
import { readDocument } from './document'

/** What the examples export. */
interface Examples {
  createOrganization(
    d1: D1Database,
    name: string,
  ): Promise<Record<'organizationID' | 'groupID', string>>
  invite(d1: D1Database, organizationID: string, subject: string): Promise<string>
  accept(d1: D1Database, userID: string): Promise<void>
  addToGroup(d1: D1Database, organizationID: string, groupID: string, userID: string): Promise<void>
  addServiceAccount(
    d1: D1Database,
    organizationID: string,
    groupID: string,
    name: string,
  ): Promise<string>
  addPlatformAdministrator(d1: D1Database, subject: string): Promise<void>
}

let folder: string
let examples: Examples
let issuer: ServedIssuer
let workers: LocalWorkers
let db: D1Database

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'identity-examples-'))
  const { code } = (await readDocument('docs/data-model.md')).section('Data in: Drizzle')
  await writeFile(join(folder, 'examples.ts'), code.map(({ text }) => text).join('\n\n'))
  await copyFile('queries/schema.ts', join(folder, 'schema.ts'))
  await symlink(resolve('node_modules'), join(folder, 'node_modules'))
  issuer = await serveIssuer()
  workers = await startWorkers({ identity: [{ vars: { ...issuer.vars } }] })
  db = workers.db
  examples = (await import(join(folder, 'examples.ts'))) as Examples
})

afterAll(async () => {
  await workers.stop()
  await issuer.stop()
  await rm(folder, { recursive: true })
})

/** How a deletion of someone without any group ends for the bearer of a subject. */
async function tryToDelete(subject: string, organizationID: string): Promise<number> {
  const seed = createSeed()
  const target = seed.member(organizationID)
  await seed.save(db)
  const token = await issuer.token(subject)
  return (await call(workers.url, { ...target, token })).status
}

test('they compile in a Worker’s project', async () => {
  const config = {
    extends: resolve('tsconfig.json'),
    compilerOptions: { noEmit: true },
    files: ['examples.ts', resolve('worker-configuration.d.ts')],
    include: [],
  }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const compiler = resolve('node_modules/typescript/bin/tsc')
  const compiled = promisify(execFile)(process.execPath, [compiler, '-p', folder])
  expect(await compiled.catch(({ stdout }: { stdout: string }) => ({ stdout }))).toMatchObject({
    stdout: '',
  })
})

test('who is invited, has accepted and is among the administrators can delete', async () => {
  const { organizationID, groupID } = await examples.createOrganization(db, 'Acme Ltd')
  const userID = await examples.invite(db, organizationID, 'auth0|lin')
  expect(await tryToDelete('auth0|lin', organizationID)).toBe(401)
  await examples.accept(db, userID)
  expect(await tryToDelete('auth0|lin', organizationID)).toBe(403)
  await examples.addToGroup(db, organizationID, groupID, userID)
  expect(await tryToDelete('auth0|lin', organizationID)).toBe(200)

  const before = await readDatabase(db)
  expect(await examples.invite(db, organizationID, 'auth0|lin')).toBe(userID)
  await examples.accept(db, userID)
  await examples.addToGroup(db, organizationID, groupID, userID)
  expect(compare(before, await readDatabase(db))).toEqual({ removed: {}, added: {} })
})

test('a person of one organization can be invited to another, where it has no rights', async () => {
  const first = await examples.createOrganization(db, 'First')
  const second = await examples.createOrganization(db, 'Second')
  const userID = await examples.invite(db, first.organizationID, 'auth0|max')
  await examples.accept(db, userID)
  await examples.addToGroup(db, first.organizationID, first.groupID, userID)
  const elsewhereID = await examples.invite(db, second.organizationID, 'auth0|max')
  await examples.accept(db, elsewhereID)
  expect(elsewhereID).not.toBe(userID)
  expect(await tryToDelete('auth0|max', first.organizationID)).toBe(200)
  expect(await tryToDelete('auth0|max', second.organizationID)).toBe(403)
})

test('to accept does not let a suspended person in', async () => {
  const { organizationID, groupID } = await examples.createOrganization(db, 'Acme Ltd')
  const userID = await examples.invite(db, organizationID, 'auth0|eve')
  await examples.addToGroup(db, organizationID, groupID, userID)
  await db.prepare(`UPDATE users SET state = 'suspended' WHERE subject = 'auth0|eve'`).run()
  await examples.accept(db, userID)
  expect(await tryToDelete('auth0|eve', organizationID)).toBe(401)
})

test('a service account can delete in its organization', async () => {
  const { organizationID, groupID } = await examples.createOrganization(db, 'Acme Ltd')
  const subject = await examples.addServiceAccount(db, organizationID, groupID, 'HR sync')
  expect(await tryToDelete(subject, organizationID)).toBe(200)
})

test('a platform administrator can delete everywhere', async () => {
  const { organizationID } = await examples.createOrganization(db, 'Acme Ltd')
  await examples.addPlatformAdministrator(db, 'auth0|grace')
  await examples.addPlatformAdministrator(db, 'auth0|grace')
  expect(await tryToDelete('auth0|grace', organizationID)).toBe(200)
})
