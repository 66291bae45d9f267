/**
 * Repeats of a deletion with the same `Idempotency-Key` by the same actor for the same user.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { compare, readDatabase } from './support/database'
import { createHarness } from './support/worker/harness'
import type { Subject } from './support/fixture'

const withKey = (key: string) => ({ headers: { 'Idempotency-Key': key } })

/** A harness, and a call with a key that deletes `fixture.target`. */
async function createKeyHarness() {
  const harness = await createHarness()
  const { callAs, fixture } = harness
  const ask = (subject: Subject, key = 'key-1') =>
    callAs(subject, { ...fixture.target, ...withKey(key) })
  return { ...harness, ask }
}

const run = (sql: string, ...values: unknown[]) =>
  env.DB.prepare(sql)
    .bind(...values)
    .run()

describe('a repeat with the same key', () => {
  test('gets the response of the deletion, and changes nothing', async () => {
    const { ask, fixture } = await createKeyHarness()
    const first = await ask(fixture.administrator)
    const before = await readDatabase(env.DB)
    const second = await ask(fixture.administrator)
    expect([first.status, second.status]).toEqual([200, 200])
    expect(second.body).toBe(first.body)
    expect([...second.headers.keys()]).toEqual([...first.headers.keys()])
    expect(second.headers.get('X-Request-Id')).not.toBe(first.headers.get('X-Request-Id'))
    expect(compare(before, await readDatabase(env.DB))).toEqual({ removed: {}, added: {} })
  })

  test.each(['serviceAccount', 'platformAdministrator'] as const)(
    'gets 200 for a %s',
    async (caller) => {
      const { ask, fixture } = await createKeyHarness()
      await ask(fixture[caller])
      expect((await ask(fixture[caller])).status).toBe(200)
    },
  )

  test('gets 200 after the organization was deleted', async () => {
    const { ask, callAs, fixture } = await createKeyHarness()
    await ask(fixture.administrator)
    await run('DELETE FROM organizations WHERE id = ?', fixture.organizationID)
    expect((await ask(fixture.administrator)).status).toBe(200)
    expect((await callAs(fixture.administrator, fixture.plain)).status).toBe(403)
  })

  test('gets 200 after the caller deleted itself, and with that its permission', async () => {
    const { callAs, fixture } = await createHarness()
    const call = { ...fixture.administrator, ...withKey('key-1') }
    expect((await callAs(fixture.administrator, call)).status).toBe(200)
    expect((await callAs(fixture.administrator, call)).status).toBe(200)
    expect((await callAs(fixture.administrator, fixture.administrator)).status).toBe(403)
  })

  test.each([
    ['suspended', "UPDATE users SET state = 'suspended' WHERE id = ?"],
    ['pending', "UPDATE users SET state = 'pending' WHERE id = ?"],
    ['deleted', 'DELETE FROM users WHERE id = ?'],
  ])('gets 401 if its caller is %s by now', async (_, sql) => {
    const { ask, fixture } = await createKeyHarness()
    await ask(fixture.platformAdministrator)
    await run(sql, fixture.platformAdministrator.id)
    expect((await ask(fixture.platformAdministrator)).status).toBe(401)
  })

  test('of another actor gets 404, or 403 without permission', async () => {
    const { ask, fixture } = await createKeyHarness()
    await ask(fixture.administrator)
    expect((await ask(fixture.serviceAccount)).status).toBe(404)
    expect((await ask(fixture.platformAdministrator)).status).toBe(404)
    expect((await ask(fixture.auditor)).status).toBe(403)
  })

  test('of a refused call deletes, once the caller is permitted', async () => {
    const { ask, fixture } = await createKeyHarness()
    expect((await ask(fixture.auditor)).status).toBe(403)
    const { organizationID, administrators, auditor } = fixture
    const insert = 'INSERT INTO group_members VALUES (?, ?, ?)'
    await run(insert, organizationID, administrators, auditor.userID)
    const { status, line } = await ask(auditor)
    expect([status, line.groupsRemoved]).toEqual([200, 2])
  })

  test('for another user is another deletion', async () => {
    const { callAs, fixture } = await createHarness()
    for (const user of [fixture.target, fixture.plain, fixture.auditor]) {
      const { status, line } = await callAs(fixture.administrator, { ...user, ...withKey('same') })
      expect([status, typeof line.groupsRemoved]).toEqual([200, 'number'])
    }
  })

  test('for a user of another organization is another deletion', async () => {
    const { ask, callAs, fixture } = await createKeyHarness()
    const { platformAdministrator, target, targetElsewhere, otherOrganizationID } = fixture
    await ask(platformAdministrator)
    const statuses = []
    for (const user of [{ ...target, organizationID: otherOrganizationID }, targetElsewhere]) {
      const response = await callAs(platformAdministrator, { ...user, ...withKey('key-1') })
      statuses.push(response.status)
    }
    expect(statuses).toEqual([404, 200])
  })
})

const UUID = '550e8400-e29b-41d4-a716-44665544000f'

test.each([
  ['a', 'A'],
  [UUID, UUID.toUpperCase()],
  ['!~"\'\\{}|,;=', '!~'],
  ['x'.repeat(255), 'x'.repeat(254)],
])('finds a deletion by its key %j, not by %j and not without a key', async (key, other) => {
  const { ask, callAs, fixture } = await createKeyHarness()
  await ask(fixture.administrator, key)
  expect((await ask(fixture.administrator, key)).status).toBe(200)
  expect((await ask(fixture.administrator, other)).status).toBe(404)
  expect((await callAs(fixture.administrator)).status).toBe(404)
})

test.each(['', 'x'.repeat(256), 'a b', 'a\tb'])('ignores the malformed key %j', async (key) => {
  const { ask, fixture } = await createKeyHarness()
  expect((await ask(fixture.administrator, key)).status).toBe(200)
  for (const other of [key, 'null', 'NULL']) {
    expect((await ask(fixture.administrator, other)).status).toBe(404)
  }
})
