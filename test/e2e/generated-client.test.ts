/**
 * The generated client of docs/callers.md, made as a caller would make it: its types come from docs/openapi.yaml. It is
 * compiled strictly, and called against the Worker and against responses that are not the Worker's.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { calculateJwkThumbprint, exportJWK } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readDocument } from '../operations/document'
import {
  foreignCases,
  serveForeignResponses,
  type ForeignServer,
} from '../support/node/foreign-responses'
import { serveIssuer, type ServedIssuer } from '../support/node/jwks-server'
import { startWorkers, type LocalWorkers } from '../support/node/local-workers'
import { createFixture, type Fixture } from '../support/fixture'
import { ROOT, runTool } from './support/tools'

const CLIENT = join(ROOT, 'test/e2e/client')
const BASE_URL = 'https://identity.example'

type RemoveUser = (
  token: string,
  organizationID: string,
  userID: string,
  key: string,
) => Promise<string>

let issuer: ServedIssuer
let workers: LocalWorkers
let fixture: Fixture
let foreign: ForeignServer
let sample: string

beforeAll(async () => {
  await mkdir(join(CLIENT, 'generated'), { recursive: true })
  const output = join(CLIENT, 'generated/identity.ts')
  const generated = await runTool('openapi-typescript', ['docs/openapi.yaml', '--output', output])
  if (generated.exitCode !== 0) throw new Error(generated.output)
  const page = await readDocument(join(ROOT, 'docs/callers.md'))
  sample = page
    .section('With a generated client')
    .code.find(({ language }) => language === 'ts')!.text
  issuer = await serveIssuer()
  foreign = await serveForeignResponses()
  const withoutKeys = { ...issuer.vars, JWKS_URL: 'http://127.0.0.1:9/jwks' }
  workers = await startWorkers({
    identity: [
      { name: 'identity', vars: { ...issuer.vars } },
      { name: 'bound', vars: { ...issuer.vars, DPOP: 'require' } },
      { name: 'without-keys', vars: withoutKeys },
      { name: 'unconfigured' },
    ],
  })
  fixture = await createFixture(workers.db)
})

afterAll(async () => {
  foreign?.stop()
  await workers?.stop()
  await issuer?.stop()
})

/** The sample with another base URL, as its reader writes it. */
async function importSample(name: string, baseURL: string): Promise<RemoveUser> {
  expect(sample).toContain(BASE_URL)
  const file = join(CLIENT, `generated/${name}.ts`)
  await writeFile(file, sample.replace(BASE_URL, baseURL))
  return ((await import(file)) as { removeUser: RemoveUser }).removeUser
}

test('the compiler accepts the sample, and rejects wrong uses of the client', async () => {
  await writeFile(join(CLIENT, 'generated/sample.ts'), sample)
  const compiled = await runTool('tsc', ['--project', CLIENT])
  expect(compiled).toEqual({ exitCode: 0, output: '' })
})

describe('the sample', () => {
  test('removes a user, and says so again with the same key', async () => {
    const { administrator, organizationID, target } = fixture
    const removeUser = await importSample('identity-worker', workers.url.origin)
    const token = await issuer.token(administrator.person.subject)
    expect(await removeUser(token, organizationID, target.userID, 'key-1')).toBe('removed')
    expect(await removeUser(token, organizationID, target.userID, 'key-1')).toBe('removed')
    expect(await removeUser(token, organizationID, target.userID, 'key-2')).toBe('no such user')
    const { results } = await workers.db
      .prepare('SELECT idempotency_key FROM user_deletions WHERE organization_user_id = ?')
      .bind(target.userID)
      .all()
    expect(results).toEqual([{ idempotency_key: 'key-1' }])
  })

  test('sends a proof with each call, if its reader adds the lines for bound tokens', async () => {
    const { administrator, organizationID } = fixture
    const page = await readDocument(join(ROOT, 'docs/callers.md'))
    const { code } = page.section('With a token bound to a key')
    const proofs = code[0]!.text
    const lines = code.find(({ language }) => language === 'ts')!.text
    const file = join(CLIENT, 'generated/bound.ts')
    const client = sample.replace(BASE_URL, workers.urlOf('bound').origin)
    const bind = `export function bind(key: CryptoKeyPair, token: string) {\n${lines}}`
    await writeFile(
      file,
      `// @ts-nocheck: the proofs are JavaScript\n${proofs}\n${client}\n${bind}\nexport { createKey }`,
    )
    const {
      bind: start,
      createKey,
      removeUser,
    } = (await import(file)) as {
      bind: (key: CryptoKeyPair, token: string) => void
      createKey: () => Promise<CryptoKeyPair>
      removeUser: RemoveUser
    }
    const key = await createKey()
    const jkt = await calculateJwkThumbprint(await exportJWK(key.publicKey))
    const claims = { cnf: { jkt } }
    const token = await issuer.token(administrator.person.subject, { claims })
    expect(await removeUser(token, organizationID, 'absent', 'key')).toBe('sign in again')
    start(key, token)
    expect(await removeUser(token, organizationID, 'absent', 'key')).toBe('no such user')
    expect(await removeUser(token, organizationID, 'ü/%', 'key')).toBe('no such user')
  })

  test.each([
    ['an unknown caller', 'identity', () => 'no-such-user', 'sign in again'],
    [
      'an auditor',
      'identity',
      ({ auditor }: Fixture) => auditor.person.subject,
      'user credentials do not have the required privileges',
    ],
    ['an issuer that is down', 'without-keys', () => 'no-such-user', 'try again in 1 s'],
    [
      'a deployment without its configuration',
      'unconfigured',
      () => 'no-such-user',
      expect.stringMatching(/^failed \([\w-]{36}\)$/),
    ],
  ])('tells each error by its type: %s', async (title, worker, subject, said) => {
    const removeUser = await importSample(worker, workers.urlOf(worker).origin)
    const token = await issuer.token(subject(fixture))
    expect(await removeUser(token, fixture.organizationID, 'ü/%', title)).toEqual(said)
  })

  test.each(foreignCases)(
    'does not take $status for a removal: $title',
    async ({ status, organizationID, retryAfter }) => {
      const removeUser = await importSample('foreign', foreign.origin)
      expect(await removeUser('token', organizationID, 'u', 'key').catch(String)).toBe(
        retryAfter === undefined
          ? `Error: not a response of the Worker, status ${status}`
          : `try again in ${retryAfter} s`,
      )
      expect(foreign.keysFor(organizationID)).toEqual(['key'])
    },
  )
})
