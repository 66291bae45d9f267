/**
 * Samples of the documents that need no browser, against responses that are not the Worker's: the probe of
 * docs/operations.md, and Workers whose binding passes each call on over HTTP to something else.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import backend from '../../examples/console-backend/src/index'
import type { Identity } from '../../src/identity'
import { compare, readDatabase } from '../support/database'
import {
  foreignCases,
  serveForeignResponses,
  type ForeignServer,
} from '../support/node/foreign-responses'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'
import { readDocumentedCallers } from '../service-binding/test-workers'
import { readDocument, type Section } from './document'

type Binding = Pick<Identity, 'deleteUser'>

interface SampleWorker {
  fetch(request: Request, env: { readonly IDENTITY: Binding }): Promise<Response>
}

let foreign: ForeignServer
let folder: string
let readmeWorker: SampleWorker
let probe: Section

beforeAll(async () => {
  vi.spyOn(console, 'log').mockReturnValue()
  vi.spyOn(console, 'error').mockReturnValue()
  foreign = await serveForeignResponses()
  folder = await mkdtemp(join(tmpdir(), 'identity-samples-'))
  await writeFile(join(folder, 'sample.ts'), (await readDocumentedCallers()).source)
  readmeWorker = ((await import(join(folder, 'sample.ts'))) as { default: SampleWorker }).default
  probe = (await readDocument('docs/operations.md')).section('Probe')
})

afterAll(async () => {
  vi.restoreAllMocks()
  foreign.stop()
  await rm(folder, { recursive: true })
})

/** A binding to a Worker that is not the one of this project: its outcome is whatever it got over HTTP. */
function bindForeign(organizationID: string): Binding {
  const url = `${foreign.origin}/api/v1/organizations/${organizationID}/users/u`
  return { deleteUser: async () => (await fetch(url, { redirect: 'manual' })).json() as never }
}

describe.concurrent.each(foreignCases)('$status from $title', ({ organizationID }) => {
  test('is not a removal for the Worker of README.md', async () => {
    const request = new Request('https://caller.example/')
    const env = { IDENTITY: bindForeign(organizationID) }
    // The runtime answers 500 to an exception.
    const status = await readmeWorker.fetch(request, env).then(
      (response) => response.status,
      () => 500,
    )
    expect(status).toBeGreaterThanOrEqual(400)
  })

  test('is a failure for the Worker in examples/console-backend', async () => {
    const request = new Request('https://backend.example/organizations/acme/removals', {
      method: 'POST',
      headers: { Authorization: 'Bearer token' },
      body: '{"userIDs":["u"],"absentIsDone":true}',
    })
    const response = await backend.fetch(request, { IDENTITY: bindForeign(organizationID) })
    expect(await response.json()).toMatchObject({ done: false, people: [{ result: 'failed' }] })
  })

  test('fails the probe', async () => {
    expect(
      await runProbe(`${foreign.origin}/api/v1/organizations/${organizationID}/users/u?`),
    ).toBe(1)
  })
})

/** The exit code of the probe's command. */
async function runProbe(API: string, TOKEN = 'token'): Promise<number> {
  const command = probe.code.find(({ language }) => language === 'sh')!.text
  const run = promisify(execFile)('sh', ['-c', command], { env: { ...process.env, API, TOKEN } })
  return run.then(
    () => 0,
    ({ code }: { code: number }) => code,
  )
}

describe('the probe', () => {
  const SUBJECT = 'sub-of-the-probe'
  let issuer: ServedIssuer
  let workers: LocalWorkers
  let token: string

  beforeAll(async () => {
    issuer = await serveIssuer()
    const withoutKeys = { ...issuer.vars, JWKS_URL: 'http://127.0.0.1:9/jwks' }
    workers = await startWorkers({
      identity: [
        { name: 'identity', vars: { ...issuer.vars } },
        { name: 'without-keys', vars: withoutKeys },
        { name: 'unconfigured' },
      ],
    })
    await workers.db.exec(probe.code[0]!.text.replaceAll('\n', ' '))
    token = await issuer.token(SUBJECT)
  })

  afterAll(async () => {
    await workers.stop()
    await issuer.stop()
  })

  const ask = (worker = 'identity', as = token) => runProbe(workers.urlOf(worker).origin, as)

  test('passes, and changes nothing in the database', async () => {
    const before = await readDatabase(workers.db)
    expect(await ask()).toBe(0)
    expect(compare(before, await readDatabase(workers.db))).toEqual({ removed: {}, added: {} })
    const line = JSON.parse(workers.log.at(-1)!) as { reason: string; actor: object }
    expect(line).toMatchObject({ reason: 'user_not_found', actor: { subject: SUBJECT } })
  })

  test.each(['without-keys', 'unconfigured'])('fails at a Worker %s', async (worker) => {
    expect(await ask(worker)).toBe(1)
  })

  test('fails without a valid token, without its role, without a table, and without a server', async () => {
    expect(await ask('identity', 'token')).toBe(1)
    await workers.db.exec(`DELETE FROM group_roles`)
    expect(await ask()).toBe(1)
    await workers.db.exec(`INSERT INTO group_roles VALUES ('probe', 'probe')`)
    expect(await ask()).toBe(0)
    await workers.db.exec('ALTER TABLE user_deletions RENAME TO elsewhere')
    expect(await ask()).toBe(1)
    expect(await runProbe('http://127.0.0.1:9')).toBe(1)
  })
})
