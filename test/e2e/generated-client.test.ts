/**
 * A TypeScript client generated from docs/openapi.yaml, as a caller would do it: compiled strictly, wrong uses refused by
 * the compiler, and used against the running Worker by a program of its own. The code of docs/callers.md compiles with it.
 */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readDocument } from '../operations/document'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'
import { createWorld, type World } from '../support/world'
import { ROOT, runTool } from './support/tools'

const CLIENT = join(ROOT, 'test/e2e/client')

let issuer: ServedIssuer
let workers: LocalWorkers
let world: World

beforeAll(async () => {
  const output = join(CLIENT, 'generated/identity.ts')
  const generated = await runTool('openapi-typescript', ['docs/openapi.yaml', '--output', output])
  if (generated.exitCode !== 0) throw new Error(generated.output)
  const page = await readDocument(join(ROOT, 'docs/callers.md'))
  const documented = page.code.find(({ language }) => language === 'ts')
  if (documented === undefined) throw new Error('docs/callers.md shows no generated client')
  await writeFile(join(CLIENT, 'generated/documented.ts'), documented.text)
  issuer = await serveIssuer()
  workers = await startWorkers({
    identity: [
      { name: 'identity', vars: { ...issuer.vars } },
      { name: 'without-issuer', vars: { ...issuer.vars, JWKS_URL: 'http://127.0.0.1:9/jwks' } },
    ],
  })
  world = await createWorld(workers.db)
})

afterAll(async () => {
  await workers?.stop()
  await issuer?.stop()
})

test('the compiler takes the right uses of the generated client, and refuses the wrong ones', async () => {
  const compiled = await runTool('tsc', ['--project', CLIENT])
  expect(compiled).toEqual({ exitCode: 0, output: '' })
})

/** Runs the program with the token of a subject. */
async function run(subject: string, userID: string, { worker = 'identity', key = '' } = {}) {
  const { organizationID } = world
  const args = [workers.urlOf(worker).origin, organizationID, userID, ...(key ? [key] : [])]
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(CLIENT, 'remove-user.ts'), ...args],
    { env: { ...process.env, TOKEN: await issuer.token(subject) } },
  )
  return JSON.parse(stdout) as Record<string, unknown>
}

describe('the generated client', () => {
  test('removes a user, and gets the same answer again with the same key', async () => {
    const { administrator, target } = world
    const removed = { kind: 'removed', status: 200, requestID: expect.any(String) }
    const key = 'key-of-the-client'
    expect(await run(administrator.person.subject, target.userID, { key })).toEqual(removed)
    expect(await run(administrator.person.subject, target.userID, { key })).toEqual(removed)
    const { results } = await workers.db
      .prepare('SELECT idempotency_key FROM user_deletions WHERE organization_user_id = ?')
      .bind(target.userID)
      .all()
    expect(results).toEqual([{ idempotency_key: key }])
  })

  test('tells each error by its type', async () => {
    const { administrator, auditor } = world
    const { subject } = administrator.person
    expect(await run('nobody', 'u')).toMatchObject({ kind: 'sign in again', status: 401 })
    expect(await run(auditor.person.subject, 'u')).toMatchObject({
      kind: 'ask an administrator',
      status: 403,
    })
    expect(await run(subject, 'ü/%')).toMatchObject({ kind: 'nobody there', status: 404 })
    expect(await run(subject, 'u', { worker: 'without-issuer' })).toMatchObject({
      kind: 'try later',
      status: 500,
    })
  })
})
