/**
 * A call whose response was lost can be repeated with the same Idempotency-Key by the same actor for the same user.
 */
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { compare, readDatabase } from './support/database'
import type { Answer } from './support/worker/caller'
import { setStage, type Stage } from './support/worker/stage'
import type { Subject, World } from './support/world'

const withKey = (key: string) => ({ headers: { 'Idempotency-Key': key } })

/** Deletes the target as the subject, with a key. */
function ask({ callAs, world }: Stage, subject: Subject, key = 'key-1'): Promise<Answer> {
  return callAs(subject, { ...world.target, ...withKey(key) })
}

async function run(sql: string, ...values: unknown[]): Promise<void> {
  await env.DB.prepare(sql)
    .bind(...values)
    .run()
}

/** Reads the idempotency key of each deletion record. */
async function readKeys({ organizationID }: World): Promise<unknown[]> {
  const { results } = await env.DB.prepare('SELECT * FROM user_deletions WHERE organization_id = ?')
    .bind(organizationID)
    .all()
  return results.map((row) => row['idempotency_key'])
}

describe('a repeat with the same key', () => {
  test('gets the first response, 200, and changes nothing', async () => {
    const stage = await setStage()
    const first = await ask(stage, stage.world.administrator)
    const before = await readDatabase(env.DB)
    const second = await ask(stage, stage.world.administrator)
    expect([first.status, second.status]).toEqual([200, 200])
    expect(second.body).toBe(first.body)
    expect([...second.headers.keys()]).toEqual([...first.headers.keys()])
    expect(second.headers.get('X-Request-Id')).not.toBe(first.headers.get('X-Request-Id'))
    expect(compare(before, await readDatabase(env.DB))).toEqual({ removed: {}, added: {} })
  })

  test.each(['serviceAccount', 'platformAdministrator'] as const)(
    'works for a %s',
    async (caller) => {
      const stage = await setStage()
      await ask(stage, stage.world[caller])
      expect((await ask(stage, stage.world[caller])).status).toBe(200)
    },
  )

  test('gets 200 with another token of the same subject', async () => {
    const stage = await setStage()
    await ask(stage, stage.world.administrator)
    const repeat = { ...stage.world.target, ...withKey('key-1') }
    expect((await stage.callWith({ claims: { client_id: 'another' } }, repeat)).status).toBe(200)
  })

  test.each<[string, string, (world: World) => string]>([
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
    const stage = await setStage()
    const { world } = stage
    await ask(stage, world.administrator)
    await run(sql, id(world))
    expect((await ask(stage, world.administrator)).status).toBe(200)
    expect((await stage.callAs(world.administrator, world.plain)).status).toBe(403)
  })

  test('gets 200 after the caller deleted itself', async () => {
    const { callAs, world } = await setStage()
    const itself = { ...world.administrator, ...withKey('key-1') }
    expect((await callAs(world.administrator, itself)).status).toBe(200)
    expect((await callAs(world.administrator, itself)).status).toBe(200)
    expect((await callAs(world.administrator, world.administrator)).status).toBe(403)
  })

  test('of twenty at once: all get 200, and there is one deletion', async () => {
    const stage = await setStage()
    const { world } = stage
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => ask(stage, world.administrator)),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(await readKeys(world)).toEqual(['key-1'])
  })
})

describe('a repeat is refused', () => {
  test('if its token is invalid by now', async () => {
    const stage = await setStage()
    await ask(stage, stage.world.administrator)
    const repeat = { ...stage.world.target, ...withKey('key-1') }
    expect((await stage.callWith({ claims: { exp: 1 } }, repeat)).status).toBe(401)
  })

  test.each([
    ['suspended', "UPDATE users SET state = 'suspended' WHERE id = ?"],
    ['pending', "UPDATE users SET state = 'pending' WHERE id = ?"],
    ['deleted', 'DELETE FROM users WHERE id = ?'],
  ])('if its caller is %s by now', async (_, sql) => {
    const stage = await setStage()
    const caller = stage.world.platformAdministrator
    await ask(stage, caller)
    await run(sql, caller.id)
    expect((await ask(stage, caller)).status).toBe(401)
  })

  test('if the deployment requires a scope by now', async () => {
    const stage = await setStage()
    await ask(stage, stage.world.administrator)
    const strict = await setStage({ issuer: stage.issuer, vars: { REQUIRED_SCOPE: 'users' } })
    const token = await stage.token(stage.world.administrator)
    const repeat = { ...stage.world.target, ...withKey('key-1'), token }
    expect((await strict.call(repeat)).status).toBe(403)
  })
})

describe('the key is not enough', () => {
  test('another actor with it gets 404', async () => {
    const stage = await setStage()
    await ask(stage, stage.world.administrator)
    expect((await ask(stage, stage.world.serviceAccount)).status).toBe(404)
    expect((await ask(stage, stage.world.platformAdministrator)).status).toBe(404)
    expect((await ask(stage, stage.world.auditor)).status).toBe(403)
  })

  test('another key gets 404, and so does none', async () => {
    const stage = await setStage()
    await ask(stage, stage.world.administrator, 'key-1')
    expect((await ask(stage, stage.world.administrator, 'key-2')).status).toBe(404)
    expect((await ask(stage, stage.world.administrator, 'KEY-1')).status).toBe(404)
    expect((await stage.callAs(stage.world.administrator)).status).toBe(404)
  })

  test('a deletion without a key is not found by one', async () => {
    const stage = await setStage()
    await stage.callAs(stage.world.administrator)
    for (const key of ['key-1', 'null', 'NULL']) {
      expect((await ask(stage, stage.world.administrator, key)).status).toBe(404)
    }
  })

  test('the same key for another user is another request', async () => {
    const { callAs, world } = await setStage()
    for (const user of [world.target, world.plain, world.auditor]) {
      const answer = await callAs(world.administrator, { ...user, ...withKey('same') })
      expect(answer.status).toBe(200)
      expect(answer.line.groupsRemoved).toBeDefined()
    }
  })

  test('the same key for a user of another organization is another request', async () => {
    const { callAs, world } = await setStage()
    const { platformAdministrator } = world
    await callAs(platformAdministrator, { ...world.target, ...withKey('same') })
    const elsewhere = { ...world.targetElsewhere, ...withKey('same') }
    expect((await callAs(platformAdministrator, elsewhere)).status).toBe(200)
    const swapped = { ...world.target, organizationID: world.otherOrganizationID }
    expect((await callAs(platformAdministrator, { ...swapped, ...withKey('same') })).status).toBe(
      404,
    )
  })

  test('a refused call leaves nothing that a repeat could find', async () => {
    const stage = await setStage()
    const { world } = stage
    expect((await ask(stage, world.auditor)).status).toBe(403)
    const { administrators, auditor, organizationID } = world
    await run(
      'INSERT INTO group_members (organization_id, group_id, organization_user_id) VALUES (?, ?, ?)',
      organizationID,
      administrators,
      auditor.userID,
    )
    const second = await ask(stage, world.auditor)
    expect(second.status).toBe(200)
    expect(second.line.groupsRemoved).toBe(2)
  })
})

describe('the form of a key', () => {
  test.each(['a', 'x'.repeat(255), '!~"\'\\{}|,;=', '550e8400-e29b-41d4-a716-446655440000'])(
    '%j is one',
    async (key) => {
      const stage = await setStage()
      await ask(stage, stage.world.administrator, key)
      expect((await ask(stage, stage.world.administrator, key)).status).toBe(200)
      expect((await ask(stage, stage.world.administrator, key.slice(1))).status).toBe(404)
    },
  )

  test.each(['', 'x'.repeat(256), 'a b', 'a\tb'])('%j is none and ignored', async (key) => {
    const stage = await setStage()
    const { world } = stage
    expect((await ask(stage, world.administrator, key)).status).toBe(200)
    expect((await ask(stage, world.administrator, key)).status).toBe(404)
    expect(await readKeys(world)).toEqual([null])
  })
})
