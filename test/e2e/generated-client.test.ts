/**
 * The generated client of docs/callers.md, with types from docs/openapi.yaml: compiled strictly, and run against the
 * Worker and against responses that are not the Worker's.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { calculateJwkThumbprint, exportJWK } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readDocument } from '../operations/document'
import { foreignCases, serveForeignResponses } from '../support/node/foreign-responses'
import { startWithIssuer } from '../support/node/local-workers'
import { createFixture } from '../support/fixture'
import { ROOT, runTool } from './support/tools'

const CLIENT = join(ROOT, 'test/e2e/client')
const BASE_URL = 'https://identity.example'

const workers = await startWithIssuer(() => ({
  identity: [
    {},
    { name: 'bound', vars: { DPOP: 'require' } },
    { name: 'without-keys', vars: { JWKS_URL: 'http://127.0.0.1:9/jwks' } },
    { name: 'unconfigured', vars: { TOKEN_ISSUER: '' } },
  ],
}))
const { issuer } = workers
const fixture = await createFixture(workers.db)
const foreign = await serveForeignResponses()
afterAll(async () => {
  foreign.stop()
  await workers.stop()
})

const document = await readDocument(join(ROOT, 'docs/callers.md'))
const findTypeScript = (heading: string) =>
  document.section(heading).code.find(({ language }) => language === 'ts')!.text
const sample = findTypeScript('With a generated client')

beforeAll(async () => {
  await rm(join(CLIENT, 'generated'), { recursive: true, force: true })
  await mkdir(join(CLIENT, 'generated'))
  const output = join(CLIENT, 'generated/identity.ts')
  const generated = await runTool('openapi-typescript', ['docs/openapi.yaml', '--output', output])
  if (generated.exitCode !== 0) throw new Error(generated.output)
})

/** What the sample exports, in a file with another base URL and with further code. */
interface Sample {
  removeUser: (token: string, organization: string, user: string, key: string) => Promise<string>
  createKey: () => Promise<CryptoKeyPair>
  bind: (key: CryptoKeyPair, token: string) => void
}

async function importSample(baseURL: string, before = '', after = ''): Promise<Sample> {
  expect(sample).toContain(BASE_URL)
  const file = join(CLIENT, `generated/sample-${crypto.randomUUID()}.ts`)
  const code = sample.replace(BASE_URL, baseURL)
  await writeFile(file, `// @ts-nocheck: the proofs are JavaScript\n${before}\n${code}\n${after}`)
  return (await import(file)) as Sample
}

test('compiles the sample, and rejects wrong uses of the client', async () => {
  await writeFile(join(CLIENT, 'generated/sample.ts'), sample)
  const compiled = await runTool('tsc', ['--project', CLIENT])
  expect(compiled).toEqual({ exitCode: 0, output: '' })
})

describe('the sample', () => {
  test('reports a removal, and reports it again with the same key', async () => {
    const { administrator, organizationID, target } = fixture
    const { removeUser } = await importSample(workers.url.origin)
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

  test('sends a proof with each call, with the lines for bound tokens', async () => {
    const { administrator, organizationID } = fixture
    const heading = 'With a token bound to a key'
    const proofs = document.section(heading).code[0]!.text
    const lines = findTypeScript(heading)
    const more = `export function bind(key, token) {\n${lines}}\nexport { createKey }`
    const { origin } = workers.urlOf('bound')
    const { bind, createKey, removeUser } = await importSample(origin, proofs, more)
    const key = await createKey()
    const jkt = await calculateJwkThumbprint(await exportJWK(key.publicKey))
    const claims = { cnf: { jkt } }
    const token = await issuer.token(administrator.person.subject, { claims })
    expect(await removeUser(token, organizationID, 'absent', 'key')).toBe('sign in again')
    bind(key, token)
    expect(await removeUser(token, organizationID, 'absent', 'key')).toBe('no such user')
    expect(await removeUser(token, organizationID, 'ü/%', 'key')).toBe('no such user')
  })

  test.each([
    ['an unknown caller', 'identity', 'sign in again'],
    ['an auditor', 'identity', 'user credentials do not have the required privileges'],
    ['an issuer that is down', 'without-keys', 'try again in 1 s'],
    ['an invalid configuration', 'unconfigured', expect.stringMatching(/^failed \([\w-]{36}\)$/)],
  ])('names the error for %s', async (title, worker, said) => {
    const { removeUser } = await importSample(workers.urlOf(worker).origin)
    const { subject } = fixture.auditor.person
    const token = await issuer.token(title === 'an auditor' ? subject : 'no-such-user')
    expect(await removeUser(token, fixture.organizationID, 'ü/%', title)).toEqual(said)
  })

  test.each(foreignCases)(
    'does not take $status for a removal: $title',
    async ({ status, organizationID, retryAfter }) => {
      const { removeUser } = await importSample(foreign.origin)
      expect(await removeUser('token', organizationID, 'u', 'key').catch(String)).toBe(
        retryAfter === undefined
          ? `Error: not a response of the Worker, status ${status}`
          : `try again in ${retryAfter} s`,
      )
      expect(foreign.keysFor(organizationID)).toEqual(['key'])
    },
  )
})
