/**
 * What docs/operations.md says of changes is so: a new issuer, two at once, a stolen key, and the retention of records.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withBody } from '../support/jwks-responders'
import { createKey } from '../../dev/test-keys.ts'
import { call } from '../support/node/client'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'
import { createSeed, type Member } from '../../dev/seeder.ts'
import { createFixture, type Fixture } from '../support/fixture'
import { addRecord as addRecordTo, recordID } from './deletion-records'
import { readDocument, type Section } from './document'

let document: Section
let issuer: ServedIssuer
let otherIssuer: ServedIssuer
let workers: LocalWorkers
let db: D1Database
let fixture: Fixture

beforeAll(async () => {
  document = (await readDocument('docs/operations.md')).section('Change')
  issuer = await serveIssuer()
  otherIssuer = await serveIssuer()
  const renamed = { ...issuer.vars, JWKS_URL: `${issuer.vars.JWKS_URL}?2` }
  workers = await startWorkers({
    identity: [
      { name: 'identity', vars: { ...issuer.vars } },
      { name: 'renamed', vars: renamed },
      { name: 'other-issuer', vars: { ...otherIssuer.vars } },
    ],
  })
  db = workers.db
  fixture = await createFixture(db)
})

afterAll(async () => {
  await workers.stop()
  await issuer.stop()
  await otherIssuer.stop()
})

/** Someone of the fixture's organization without any group. */
async function addTarget(): Promise<Member> {
  const seed = createSeed()
  const target = seed.member(fixture.organizationID)
  await seed.save(db)
  return target
}

async function tryToDelete(subject: string): Promise<number> {
  const token = await issuer.token(subject)
  return (await call(workers.url, { ...(await addTarget()), token })).status
}

const DAY_MS = 24 * 60 * 60 * 1_000

/** Adds a record of a deletion so many days ago, and returns its ID. */
async function addRecord(daysAgo: number, hasKey = false): Promise<string> {
  const id = recordID(Math.round(Date.now() - daysAgo * DAY_MS))
  await addRecordTo(db, id, hasKey)
  return id
}

async function listRecords(): Promise<string[]> {
  const { results } = await db
    .prepare(`SELECT id FROM user_deletions ORDER BY id`)
    .all<{ id: string }>()
  return results.map(({ id }) => id)
}

test('a subject that the new issuer gave takes over all rights, and the old one loses them', async () => {
  const seed = createSeed()
  const groups = [fixture.administrators]
  seed.member(fixture.organizationID, { groups, personOptions: { subject: 'auth0|lin' } })
  seed.member(fixture.organizationID, { groups, personOptions: { subject: 'auth0|grace' } })
  await seed.save(db)
  expect(await tryToDelete('auth0|lin')).toBe(200)
  await db.exec(document.section('A new issuer').code[0]!.text)
  expect(await tryToDelete('auth0|lin')).toBe(401)
  expect(await tryToDelete('new|lin')).toBe(200)
  expect(await tryToDelete('new|grace')).toBe(200)
})

test('two Workers on one database let the same person in by two issuers', async () => {
  const { subject } = fixture.administrator.person
  const byOther = workers.urlOf('other-issuer')
  const token = await otherIssuer.token(subject)
  expect((await call(byOther, { ...(await addTarget()), token })).status).toBe(200)
  expect((await call(workers.url, { ...(await addTarget()), token })).status).toBe(401)
  expect(await tryToDelete(subject)).toBe(200)
})

test('a stolen key is trusted until the next refresh, and not at once after JWKS_URL got another text', async () => {
  const { subject } = fixture.administrator.person
  expect(await tryToDelete(subject)).toBe(200)
  const { publicJWK } = await createKey('ES256')
  issuer.endpoint.respond = withBody(issuer.jwks([publicJWK]))
  try {
    expect(await tryToDelete(subject)).toBe(200)
    const token = await issuer.token(subject)
    const renamed = workers.urlOf('renamed')
    expect((await call(renamed, { ...(await addTarget()), token })).status).toBe(401)
  } finally {
    issuer.endpoint.respond = (request) => withBody(issuer.jwks())(request)
  }
})

describe('retention', () => {
  test('the statement deletes what is older than 400 days, and reads little else', async () => {
    const sql = document.section('Retention of deletion records').code[1]!.text
    await db.prepare(`DELETE FROM user_deletions`).run()
    for (const daysAgo of [500, 401, 400.001]) await addRecord(daysAgo, daysAgo === 500)
    const young = [await addRecord(399.999), await addRecord(1), await addRecord(0)]
    const { meta } = await db.prepare(sql).run()
    expect(await listRecords()).toEqual(young)
    expect(meta.rows_read).toBe(3 * 4 + 1)
  })

  test('the Worker’s own IDs begin with the time of the deletion', async () => {
    await tryToDelete(fixture.administrator.person.subject)
    const { results } = await db
      .prepare('SELECT id, deleted_at FROM user_deletions ORDER BY deleted_at DESC LIMIT 1')
      .all<{ id: string; deleted_at: number }>()
    const [{ id, deleted_at }] = results as [{ id: string; deleted_at: number }]
    const time = Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
    expect(deleted_at - time).toBeGreaterThanOrEqual(0)
    expect(deleted_at - time).toBeLessThan(1_000)
    expect(id[14]).toBe('7')
  })

  test('a record is one written row, one more with an idempotency key; an index on the time would be another', async () => {
    const token = await issuer.token(fixture.administrator.person.subject)
    async function countWritten(headers: Readonly<Record<string, string>> = {}): Promise<number> {
      expect((await call(workers.url, { ...(await addTarget()), token, headers })).status).toBe(200)
      const line = JSON.parse(workers.log.at(-1)!) as { database: { rowsWritten: number } }
      return line.database.rowsWritten
    }
    const withUser = 1
    expect(await countWritten()).toBe(withUser + 1)
    expect(await countWritten({ 'Idempotency-Key': 'once' })).toBe(withUser + 2)
    await db.exec('CREATE INDEX by_time ON user_deletions (deleted_at)')
    expect(await countWritten()).toBe(withUser + 2)
    await db.exec('DROP INDEX by_time')
  })
})
