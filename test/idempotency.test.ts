/**
 * Repeats of a deletion with the same `Idempotency-Key` by the same actor for the same user.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { compare, readDatabase } from './support/database'
import { createHarness } from './support/worker/harness'
import type { Subject } from './support/fixture'

const withKey = (key: string) => ({ headers: { 'Idempotency-Key': key } })

/** A harness, and a deletion of `fixture.target` with a key. */
async function createKeyHarness() {
  const harness = await createHarness()
  const { callAs, fixture } = harness
  const deleteAs = (subject: Subject, key = 'key-1') =>
    callAs(subject, { ...fixture.target, ...withKey(key) })
  return { ...harness, deleteAs }
}

const run = (sql: string, ...values: unknown[]) =>
  env.DB.prepare(sql)
    .bind(...values)
    .run()

describe('a repeat with the same key', () => {
  test('gets the response of the deletion, and changes nothing', async () => {
    const { deleteAs, fixture } = await createKeyHarness()
    const first = await deleteAs(fixture.administrator)
    const before = await readDatabase(env.DB)
    const second = await deleteAs(fixture.administrator)
    expect([first.status, second.status]).toEqual([200, 200])
    expect(second.body).toBe(first.body)
    expect([...second.headers.keys()]).toEqual([...first.headers.keys()])
    expect(second.headers.get('X-Request-Id')).not.toBe(first.headers.get('X-Request-Id'))
    expect(compare(before, await readDatabase(env.DB))).toEqual({ removed: {}, added: {} })
  })

  test('gets 200 for every kind of caller', async () => {
    for (const caller of ['serviceAccount', 'platformAdministrator'] as const) {
      const { deleteAs, fixture } = await createKeyHarness()
      await deleteAs(fixture[caller])
      expect((await deleteAs(fixture[caller])).status).toBe(200)
    }
  })

  test('gets 200 after the organization was deleted', async () => {
    const { deleteAs, callAs, fixture } = await createKeyHarness()
    await deleteAs(fixture.administrator)
    await run('DELETE FROM organizations WHERE id = ?', fixture.organizationID)
    expect((await deleteAs(fixture.administrator)).status).toBe(200)
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
    const { deleteAs, fixture } = await createKeyHarness()
    await deleteAs(fixture.platformAdministrator)
    await run(sql, fixture.platformAdministrator.id)
    expect((await deleteAs(fixture.platformAdministrator)).status).toBe(401)
  })

  test('of another actor gets 404, or 403 without permission', async () => {
    const { deleteAs, fixture } = await createKeyHarness()
    await deleteAs(fixture.administrator)
    expect((await deleteAs(fixture.serviceAccount)).status).toBe(404)
    expect((await deleteAs(fixture.platformAdministrator)).status).toBe(404)
    expect((await deleteAs(fixture.auditor)).status).toBe(403)
  })

  test('of a rejected call deletes once the caller is permitted', async () => {
    const { deleteAs, fixture } = await createKeyHarness()
    expect((await deleteAs(fixture.auditor)).status).toBe(403)
    const { organizationID, administrators, auditor } = fixture
    const insert = 'INSERT INTO group_members VALUES (?, ?, ?)'
    await run(insert, organizationID, administrators, auditor.userID)
    const { status, line } = await deleteAs(auditor)
    expect([status, line.groupsRemoved]).toEqual([200, 2])
  })

  test('for another user or organization is another deletion', async () => {
    const { callAs, fixture } = await createHarness()
    const { platformAdministrator, target, plain, targetElsewhere, otherOrganizationID } = fixture
    const outcomes = []
    for (const user of [
      target,
      plain,
      { ...target, userID: 'absent' },
      { ...target, organizationID: otherOrganizationID },
      targetElsewhere,
    ]) {
      const { status, line } = await callAs(platformAdministrator, { ...user, ...withKey('same') })
      outcomes.push([status, line.groupsRemoved])
    }
    expect(outcomes).toEqual([
      [200, 2],
      [200, 0],
      [404, undefined],
      [404, undefined],
      [200, 1],
    ])
  })
})

const UUID = '550e8400-e29b-41d4-a716-44665544000f'

test.each([
  ['a', 'A'],
  [UUID, UUID.toUpperCase()],
  ['!~"\'\\{}|,;=', '!~'],
  ['x'.repeat(255), 'x'.repeat(254)],
])('finds a deletion by its key %j, not by %j and not without a key', async (key, other) => {
  const { deleteAs, callAs, fixture } = await createKeyHarness()
  await deleteAs(fixture.administrator, key)
  expect((await deleteAs(fixture.administrator, key)).status).toBe(200)
  expect((await deleteAs(fixture.administrator, other)).status).toBe(404)
  expect((await callAs(fixture.administrator)).status).toBe(404)
})

test.each(['', 'x'.repeat(256), 'a b', 'a\tb'])('ignores the malformed key %j', async (key) => {
  const { deleteAs, fixture } = await createKeyHarness()
  expect((await deleteAs(fixture.administrator, key)).status).toBe(200)
  for (const other of [key, 'null', 'NULL']) {
    expect((await deleteAs(fixture.administrator, other)).status).toBe(404)
  }
})
