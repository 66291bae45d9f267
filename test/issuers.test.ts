/**
 * docs/issuers.md: a Worker with the variables of a product accepts the tokens of that product and rejects those of every
 * other one. Tokens that cannot work are rejected for the reason that the page names.
 */
import { env } from 'cloudflare:workers'
import { base64url } from 'jose'
import { parse as parseTOML } from 'smol-toml'
import { beforeAll, describe, expect, test } from 'vitest'
import { createSeed } from '../dev/seeder.ts'
import { signJWT, type IssuerVars, type TokenChanges } from '../dev/test-issuer.ts'
import { createKey, without, type KeyAlgorithm, type SigningKey } from '../dev/test-keys.ts'
import text from '../docs/issuers.md?raw'
import { parseDocument, readCodeSpans } from './operations/document'
import { withBody } from './support/jwks-responders'
import { toCases } from './support/jwt-cases'
import { createClientKey, makeProof, type ClientKey } from './support/proofs'
import { createCaller, createRequest, type Call, type Vars } from './support/worker/caller'
import { outcomeOf } from './support/worker/harness'
import { serveIssuer } from './support/worker/issuers'

/** A token of the page, with the variables above it. */
interface Example {
  readonly product: string
  readonly kind: string
  readonly vars: Vars & Readonly<Record<keyof IssuerVars, string>>
  readonly header: Readonly<Record<string, unknown>> & { alg: KeyAlgorithm; kid: string }
  readonly payload: Readonly<Record<string, unknown>> & { sub: string }
}

const page = parseDocument(text, 'docs/issuers.md')
const rows = page.tables[0]!.rows
const products = rows.map(([name]) => /\[(.*)\]/.exec(name!)![1]!)
/** The claims that only a person's token has, unless the page gives a machine one. */
const OF_A_PERSON = {
  scope: undefined,
  scp: undefined,
  email: undefined,
  preferred_username: undefined,
}

const examples = products.flatMap(readExamples)

/** Reads the tokens of a section. For a machine, the page has the claims that differ from a person's. */
function readExamples(product: string): Example[] {
  const { code } = page.section(product)
  const toml = code.find(({ language }) => language === 'toml')!
  const vars = parseTOML(toml.text) as Example['vars']
  const [person, machine] = code.filter(({ language }) => language === 'json')
  const token = JSON.parse(person!.text) as Pick<Example, 'header' | 'payload'>
  const example: Example = { product, kind: person!.notes, vars, ...token }
  if (machine === undefined) return [example]
  const payload = { ...token.payload, ...OF_A_PERSON, ...JSON.parse(machine.text) }
  return [example, { ...example, kind: machine.notes, payload }]
}

/** The first token of a product, a person's. */
const personOf = (name: string): Example => examples.find(({ product }) => product === name)!

/** The signing key of each product. */
const keys = new Map<string, SigningKey>()

beforeAll(async () => {
  const seed = createSeed()
  const administrators = seed.group(seed.organization('acme'), ['administrator'])
  const other = await createKey('RS256')
  const certificate = { x5c: ['MIIC…'], x5t: 'NjVBRjY5MDlCMUIwNzU4RTA2QzZFMDQ4' }
  for (const product of products) {
    const { header, vars } = personOf(product)
    const key = await createKey(header.alg, header.kid)
    const { endpoint } = await serveIssuer({ jwksURL: vars.JWKS_URL })
    keys.set(product, key)
    // The members and keys that some products add: certificates, a key for encryption, no `alg` (Entra).
    const named = product === 'Microsoft Entra' ? without(key.publicJWK, 'alg') : key.publicJWK
    const encryption = { ...other.publicJWK, ...certificate, use: 'enc', alg: 'RSA-OAEP' }
    const signing = { ...named, ...certificate, issuer: 'https://x' }
    const jwks = { keys: [encryption, other.publicJWK, signing], public_certs: [{ kid: key.kid }] }
    endpoint.respond = withBody(JSON.stringify(jwks))
  }
  const owners = new Map(examples.map(({ kind, payload }) => [payload.sub, kind]))
  for (const [subject, kind] of owners) {
    if (kind === 'machine') seed.serviceAccount('acme', [administrators], subject)
    else seed.member('acme', { personOptions: { subject }, groups: [administrators] })
  }
  await seed.save(env.DB)
})

/**
 * Calls with an example's token, its times moved to now, to remove a new user.
 *
 * @param client the key of a client, which makes a proof of the token (DPoP)
 */
async function present(
  { product, header, payload }: Example,
  vars: Example['vars'],
  changes: TokenChanges = {},
  client?: ClientKey,
) {
  const now = Math.floor(Date.now() / 1_000)
  const times = { iat: now, exp: now + 3_600, ...(payload['nbf'] ? { nbf: now } : {}) }
  const claims = { ...payload, ...times, ...changes.claims }
  const token = await signJWT({ ...header, ...changes.header }, claims, { key: keys.get(product)! })
  const seed = createSeed()
  const member = seed.member('acme')
  await seed.save(env.DB)
  if (client === undefined) return send({ ...member, token }, vars)
  const DPoP = await makeProof(client, { url: createRequest(member).url, token })
  return send({ ...member, headers: { Authorization: `DPoP ${token}`, DPoP } }, vars)
}

async function send(call: Call, vars: Example['vars']) {
  const response = await createCaller({ vars }, { TOKEN_TYPE: '', ...vars })(call)
  return { ...response, outcome: outcomeOf(response) }
}

/** The words of a token's `scope` or `scp`. */
function readScopes({ payload }: Example): readonly string[] {
  const granted = (payload['scope'] ?? payload['scp'] ?? []) as string | readonly string[]
  return typeof granted === 'string' ? granted.split(' ') : granted
}

const titled = examples.map((example) => ({
  title: `${example.product}, ${example.kind}, typ ${String(example.header['typ'])}`,
  example,
}))

describe.each(titled)('a token of $title', ({ example }) => {
  const { product, kind, payload, vars, header } = example

  test('removes a user with the variables above it, and with no other TOKEN_TYPE', async () => {
    const { status, line } = await present(example, vars)
    expect(status).toBe(200)
    const actor = { kind: kind === 'person' ? 'user' : 'service_account', subject: payload.sub }
    expect(line.actor).toEqual(actor)
    for (const TOKEN_TYPE of ['at+jwt', 'JWT', 'none']) {
      const { outcome } = await present(example, { ...vars, TOKEN_TYPE })
      const isOwn = TOKEN_TYPE === (header['typ'] ?? 'none')
      expect([TOKEN_TYPE, outcome]).toEqual([TOKEN_TYPE, isOwn ? '200' : '401 jwt_type_mismatch'])
    }
  })

  test('is rejected with the variables of every other product', async () => {
    for (const other of products.filter((name) => name !== product)) {
      expect((await present(example, personOf(other).vars)).status).toBe(401)
    }
  })

  test('has the scopes that can be required, and no others', async () => {
    const [scope = 'users:delete'] = readScopes(example)
    const { status } = await present(example, { ...vars, REQUIRED_SCOPE: scope })
    expect(status).toBe(readScopes(example).length > 0 ? 200 : 403)
    const { outcome } = await present(example, { ...vars, REQUIRED_SCOPE: 'another' })
    expect(outcome).toBe('403 scope_lacking')
  })

  test('removes a user with a proof if it is bound to a key and DPOP is set', async () => {
    const client = await createClientKey()
    const bound = { claims: { cnf: { jkt: client.jkt } } }
    const accepting = { ...vars, DPOP: 'accept' }
    expect((await present(example, accepting, bound, client)).outcome).toBe('200')
    expect((await present(example, accepting, bound)).outcome).toBe('401 dpop_missing')
    expect((await present(example, vars, bound)).outcome).toBe('401 jwt_sender_constrained')
  })
})

test.each(products)('the table says which tokens of %s have scopes', (product) => {
  const ofProduct = examples.filter((example) => example.product === product)
  const kinds = new Set(
    ofProduct.filter((example) => readScopes(example).length > 0).map(({ kind }) => kind),
  )
  const words = ['cannot work', 'people only', 'works']
  expect(rows.find(([name]) => name!.includes(`[${product}]`))!.at(-1)).toBe(words[kinds.size])
})

test('the claim of a bound token is the one of the page', async () => {
  const [block] = page.section('Tokens bound to a key').code
  const { jkt } = await createClientKey()
  const sameLength: unknown = expect.stringMatching(`^.{${jkt.length}}$`)
  expect(JSON.parse(block!.text)).toEqual({ cnf: { jkt: sameLength } })
})

test('what cannot work is rejected for the reason in the row of the table', async () => {
  const auth0 = personOf('Auth0')
  const x5t = 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2'
  const encrypted = ['RSA-OAEP-256', 'key', 'iv', 'text', 'tag'].map((part) =>
    base64url.encode(part),
  )
  const sendToken = (token: string) =>
    send({ path: '/api/v1/organizations/o/users/u', token }, auth0.vars)
  const presentWith = (changes: TokenChanges) => present(auth0, auth0.vars, changes)
  const responses = [
    await sendToken('ATQAy_8TAAAA-opaque'),
    await presentWith({ header: { alg: 'HS256' } }),
    await sendToken(encrypted.join('.')),
    await presentWith({ header: { alg: 'RS512' } }),
    await presentWith({ claims: { cnf: { 'x5t#S256': x5t } } }),
    await presentWith({ claims: { sub: '' } }),
    await presentWith({ claims: { aud: '00000003-0000-0000-c000-000000000000' } }),
  ]
  const named = page.section('What cannot work').tables[0]!.rows
  const reasons = named.map(([, , reason]) => readCodeSpans(reason!)[0])
  expect(responses.map(({ outcome }) => outcome)).toEqual(reasons.map((reason) => `401 ${reason}`))
})

const toIDToken = (aud: unknown) => ({ claims: { aud, scp: undefined, nonce: '12345' } })

test('an ID token of Microsoft Entra passes for the app of the API, if no scope is required', async () => {
  const entra = personOf('Microsoft Entra')
  const [, REQUIRED_SCOPE] = /`REQUIRED_SCOPE = "(.*)"`/.exec(page.section(entra.product).text)!
  const scoped = { ...entra.vars, REQUIRED_SCOPE }
  const ofFrontEnd = await present(entra, entra.vars, toIDToken(entra.payload['azp']))
  expect(ofFrontEnd.outcome).toBe('401 jwt_audience_mismatch')
  const ofAPI = toIDToken(entra.vars.TOKEN_AUDIENCE)
  expect((await present(entra, entra.vars, ofAPI)).outcome).toBe('200')
  expect((await present(entra, scoped, ofAPI)).outcome).toBe('403 scope_lacking')
  expect((await present(entra, scoped)).outcome).toBe('200')
})

const organizations = (count: number) => Array.from({ length: count }, () => crypto.randomUUID())
const unikorn = personOf('Unikorn / nscale')

test.each(
  toCases([
    ['200', 'claims.aud', unikorn.vars.TOKEN_AUDIENCE],
    ['200', 'claims.src_iss', 'https://login.example'],
    ['200', 'claims.org_id', 'another'],
    ['200', 'claims.org_ids', organizations(100)],
    ['401 token_oversize', 'claims.org_ids', organizations(200)],
    ['401 jwt_audience_mismatch', 'claims.aud', undefined, ['compute']],
    ['401 jwt_type_mismatch', 'header.typ', 'JWT'],
    ['401 jwt_issuer_mismatch', 'claims.iss', 'https://identity.unikorn.example'],
    ['401 caller_unknown', 'claims.sub', 'Ada@acme.example'],
    ['401 caller_unknown', 'claims', { acctype: 'system', sub: 'compute.unikorn.example' }],
  ]),
)('a passport of Unikorn with $part $value gets $outcome', async ({ changes, outcome }) => {
  expect((await present(unikorn, unikorn.vars, changes)).outcome).toBe(outcome)
})
