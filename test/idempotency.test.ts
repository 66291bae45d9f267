/**
 * A call whose response was lost can be repeated with the same Idempotency-Key by the same actor for the same user.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { compare, readDatabase } from './support/database'
import type { CallResponse } from './support/worker/caller'
import { createHarness, type Harness } from './support/worker/harness'
import type { Subject, Fixture } from './support/fixture'

const withKey = (key: string) => ({ headers: { 'Idempotency-Key': key } })

/** Deletes the target as the subject, with a key. */
function ask({ callAs, fixture }: Harness, subject: Subject, key = 'key-1'): Promise<CallResponse> {
  return callAs(subject, { ...fixture.target, ...withKey(key) })
}

async function run(sql: string, ...values: unknown[]): Promise<void> {
  await env.DB.prepare(sql)
    .bind(...values)
    .run()
}

/** Reads the idempotency key of each deletion record. */
async function readKeys({ organizationID }: Fixture): Promise<unknown[]> {
  const { results } = await env.DB.prepare('SELECT * FROM user_deletions WHERE organization_id = ?')
    .bind(organizationID)
    .all()
  return results.map((row) => row['idempotency_key'])
}

describe('a repeat with the same key', () => {
  test('gets the first response, 200, and changes nothing', async () => {
    const harness = await createHarness()
    const first = await ask(harness, harness.fixture.administrator)
    const before = await readDatabase(env.DB)
    const second = await ask(harness, harness.fixture.administrator)
    expect([first.status, second.status]).toEqual([200, 200])
    expect(second.body).toBe(first.body)
    expect([...second.headers.keys()]).toEqual([...first.headers.keys()])
    expect(second.headers.get('X-Request-Id')).not.toBe(first.headers.get('X-Request-Id'))
    expect(compare(before, await readDatabase(env.DB))).toEqual({ removed: {}, added: {} })
  })

  test.each(['serviceAccount', 'platformAdministrator'] as const)(
    'works for a %s',
    async (caller) => {
      const harness = await createHarness()
      await ask(harness, harness.fixture[caller])
      expect((await ask(harness, harness.fixture[caller])).status).toBe(200)
    },
  )

  test('gets 200 with another token of the same subject', async () => {
    const harness = await createHarness()
    await ask(harness, harness.fixture.administrator)
    const repeat = { ...harness.fixture.target, ...withKey('key-1') }
    expect((await harness.callWith({ claims: { client_id: 'another' } }, repeat)).status).toBe(200)
  })

  test.each<[string, string, (fixture: Fixture) => string]>([
    [
      'its permission',
      'DELETE FROM group_members WHERE organization_user_id = ?',
      ({ administrator }) => administrator.userID,
    ],
    [
      'its organization',
      'DELETE FROM organizations WHERE id = ?',
      ({ organizationID }) => organizationID,
    ],
  ])('gets 200 after the caller lost %s', async (_, sql, id) => {
    const harness = await createHarness()
    const { fixture } = harness
    await ask(harness, fixture.administrator)
    await run(sql, id(fixture))
    expect((await ask(harness, fixture.administrator)).status).toBe(200)
    expect((await harness.callAs(fixture.administrator, fixture.plain)).status).toBe(403)
  })

  test('gets 200 after the caller deleted itself', async () => {
    const { callAs, fixture } = await createHarness()
    const itself = { ...fixture.administrator, ...withKey('key-1') }
    expect((await callAs(fixture.administrator, itself)).status).toBe(200)
    expect((await callAs(fixture.administrator, itself)).status).toBe(200)
    expect((await callAs(fixture.administrator, fixture.administrator)).status).toBe(403)
  })

  test('of twenty at once: all get 200, and there is one deletion', async () => {
    const harness = await createHarness()
    const { fixture } = harness
    const responses = await Promise.all(
      Array.from({ length: 20 }, () => ask(harness, fixture.administrator)),
    )
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]))
    expect(await readKeys(fixture)).toEqual(['key-1'])
  })
})

describe('a repeat is refused', () => {
  test('if its token is invalid by now', async () => {
    const harness = await createHarness()
    await ask(harness, harness.fixture.administrator)
    const repeat = { ...harness.fixture.target, ...withKey('key-1') }
    expect((await harness.callWith({ claims: { exp: 1 } }, repeat)).status).toBe(401)
  })

  test.each([
    ['suspended', "UPDATE users SET state = 'suspended' WHERE id = ?"],
    ['pending', "UPDATE users SET state = 'pending' WHERE id = ?"],
    ['deleted', 'DELETE FROM users WHERE id = ?'],
  ])('if its caller is %s by now', async (_, sql) => {
    const harness = await createHarness()
    const caller = harness.fixture.platformAdministrator
    await ask(harness, caller)
    await run(sql, caller.id)
    expect((await ask(harness, caller)).status).toBe(401)
  })

  test('if the deployment requires a scope by now', async () => {
    const harness = await createHarness()
    await ask(harness, harness.fixture.administrator)
    const strict = await createHarness({
      issuer: harness.issuer,
      vars: { REQUIRED_SCOPE: 'users' },
    })
    const token = await harness.token(harness.fixture.administrator)
    const repeat = { ...harness.fixture.target, ...withKey('key-1'), token }
    expect((await strict.call(repeat)).status).toBe(403)
  })
})

describe('the key is not enough', () => {
  test('another actor with it gets 404', async () => {
    const harness = await createHarness()
    await ask(harness, harness.fixture.administrator)
    expect((await ask(harness, harness.fixture.serviceAccount)).status).toBe(404)
    expect((await ask(harness, harness.fixture.platformAdministrator)).status).toBe(404)
    expect((await ask(harness, harness.fixture.auditor)).status).toBe(403)
  })

  test('another key gets 404, and so does none', async () => {
    const harness = await createHarness()
    await ask(harness, harness.fixture.administrator, 'key-1')
    expect((await ask(harness, harness.fixture.administrator, 'key-2')).status).toBe(404)
    expect((await ask(harness, harness.fixture.administrator, 'KEY-1')).status).toBe(404)
    expect((await harness.callAs(harness.fixture.administrator)).status).toBe(404)
  })

  test('a deletion without a key is not found by one', async () => {
    const harness = await createHarness()
    await harness.callAs(harness.fixture.administrator)
    for (const key of ['key-1', 'null', 'NULL']) {
      expect((await ask(harness, harness.fixture.administrator, key)).status).toBe(404)
    }
  })

  test('the same key for another user is another request', async () => {
    const { callAs, fixture } = await createHarness()
    for (const user of [fixture.target, fixture.plain, fixture.auditor]) {
      const response = await callAs(fixture.administrator, { ...user, ...withKey('same') })
      expect(response.status).toBe(200)
      expect(response.line.groupsRemoved).toBeDefined()
    }
  })

  test('the same key for a user of another organization is another request', async () => {
    const { callAs, fixture } = await createHarness()
    const { platformAdministrator } = fixture
    await callAs(platformAdministrator, { ...fixture.target, ...withKey('same') })
    const elsewhere = { ...fixture.targetElsewhere, ...withKey('same') }
    expect((await callAs(platformAdministrator, elsewhere)).status).toBe(200)
    const swapped = { ...fixture.target, organizationID: fixture.otherOrganizationID }
    expect((await callAs(platformAdministrator, { ...swapped, ...withKey('same') })).status).toBe(
      404,
    )
  })

  test('a refused call leaves nothing that a repeat could find', async () => {
    const harness = await createHarness()
    const { fixture } = harness
    expect((await ask(harness, fixture.auditor)).status).toBe(403)
    const { administrators, auditor, organizationID } = fixture
    await run(
      'INSERT INTO group_members (organization_id, group_id, organization_user_id) VALUES (?, ?, ?)',
      organizationID,
      administrators,
      auditor.userID,
    )
    const second = await ask(harness, fixture.auditor)
    expect(second.status).toBe(200)
    expect(second.line.groupsRemoved).toBe(2)
  })
})

describe('the form of a key', () => {
  test.each(['a', 'x'.repeat(255), '!~"\'\\{}|,;=', '550e8400-e29b-41d4-a716-446655440000'])(
    '%j is one',
    async (key) => {
      const harness = await createHarness()
      await ask(harness, harness.fixture.administrator, key)
      expect((await ask(harness, harness.fixture.administrator, key)).status).toBe(200)
      expect((await ask(harness, harness.fixture.administrator, key.slice(1))).status).toBe(404)
    },
  )

  test.each(['', 'x'.repeat(256), 'a b', 'a\tb'])('%j is none and ignored', async (key) => {
    const harness = await createHarness()
    const { fixture } = harness
    expect((await ask(harness, fixture.administrator, key)).status).toBe(200)
    expect((await ask(harness, fixture.administrator, key)).status).toBe(404)
    expect(await readKeys(fixture)).toEqual([null])
  })
})
