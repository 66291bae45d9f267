/**
 * docs/issuers.md: a Worker with the variables of a product accepts the tokens of that product and rejects those of every
 * other one. What cannot work is rejected for the reason that the page names.
 */
import { base64url } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { readCodeSpans } from './operations/document'
import type { TokenChanges } from '../dev/test-issuer.ts'
import { createClientKey } from './support/proofs'
import { createCaller, type CallResponse } from './support/worker/caller'
import {
  examples,
  issuers,
  page,
  prepareIssuers,
  present,
  products,
  type Example,
} from './support/worker/documented-issuers'

beforeAll(prepareIssuers)

const titled = examples.map((example) => ({
  title: `${example.product}, ${example.kind}, typ ${String(example.header['typ'])}`,
  example,
}))

/** The rows of a table of the page, each cell as text. */
function readTable(table = page.tables[0]): readonly (readonly string[])[] {
  return table?.rows ?? []
}

/** The words of a token's `scope` or `scp`. */
function readScopes({ payload }: Example): readonly string[] {
  const granted = (payload['scope'] ?? payload['scp'] ?? []) as string | readonly string[]
  return typeof granted === 'string' ? granted.split(' ') : granted
}

test('the page has a section for each product of its table, with a token', () => {
  const named = readTable().map(([name = '']) => /\[(.*)\]/.exec(name)?.[1])
  expect(named).toEqual(products)
  expect(examples.filter(({ kind }) => kind === 'person').map(({ product }) => product)).toEqual(
    expect.arrayContaining(products),
  )
})

describe.each(titled)('a token of $title', ({ example }) => {
  const { product, kind, payload, vars } = example

  test('removes a user with the variables above it', async () => {
    const { status, line } = await present(example, vars)
    expect(status).toBe(200)
    const actor = { kind: kind === 'person' ? 'user' : 'service_account', subject: payload.sub }
    expect(line.actor).toEqual(actor)
  })

  test('is rejected with those of any other product', async () => {
    for (const other of examples.filter((candidate) => candidate.product !== product)) {
      expect((await present(example, other.vars)).status).toBe(401)
    }
  })

  test.each(['at+jwt', 'JWT', 'none'])(
    'is rejected with the type %s, unless that is its own',
    async (type) => {
      const own = example.header['typ'] ?? 'none'
      const { line } = await present(example, { ...vars, TOKEN_TYPE: type })
      expect(line.reason).toBe(type === own ? undefined : 'jwt_type_mismatch')
    },
  )

  test('has the scopes that can be required, and no other', async () => {
    const [scope = 'users:delete'] = readScopes(example)
    const { status } = await present(example, { ...vars, REQUIRED_SCOPE: scope })
    expect(status).toBe(readScopes(example).length > 0 ? 200 : 403)
    const { line } = await present(example, { ...vars, REQUIRED_SCOPE: 'another' })
    expect(line.reason).toBe('scope_lacking')
  })
})

test.each(products)('the table says of %s whose tokens have scopes', (product) => {
  const said = readTable().find(([name = '']) => name.includes(`[${product}]`))
  const having = examples.filter((example) => readScopes(example).length > 0)
  const kinds = new Set(
    having.filter((example) => example.product === product).map(({ kind }) => kind),
  )
  const words = new Map([
    [2, 'works'],
    [1, 'people only'],
    [0, 'cannot work'],
  ])
  expect(said?.at(-1)).toBe(words.get(kinds.size))
})

test.each(['Keycloak', 'Auth0'])(
  'a token of %s with the type JWT needs TOKEN_TYPE',
  async (product) => {
    expect(page.section(product).text).toContain('add `TOKEN_TYPE = "JWT"`')
    const [person] = examples.filter((example) => example.product === product) as [Example]
    const older = { header: { typ: 'JWT' } }
    expect((await present(person, person.vars, older)).line.reason).toBe('jwt_type_mismatch')
    const vars = { ...person.vars, TOKEN_TYPE: 'JWT' }
    expect((await present(person, vars, older)).status).toBe(200)
  },
)

describe('what cannot work', () => {
  const [auth0] = examples.filter(({ product }) => product === 'Auth0') as [Example]

  /** A token of each row, in the table's order: what Auth0 would send, were it set so. */
  const attempts: (() => Promise<CallResponse>)[] = [
    () => send('ATQAy_8TAAAA-opaque'),
    () => present(auth0, auth0.vars, { header: { alg: 'HS256' } }),
    () =>
      send(
        ['RSA-OAEP-256', 'key', 'iv', 'text', 'tag']
          .map((part) => base64url.encode(part))
          .join('.'),
      ),
    () => present(auth0, auth0.vars, { header: { alg: 'RS512' } }),
    () =>
      present(auth0, auth0.vars, {
        claims: { cnf: { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' } },
      }),
    () => present(auth0, auth0.vars, { claims: { sub: '' } }),
    () => present(auth0, auth0.vars, { claims: { aud: '00000003-0000-0000-c000-000000000000' } }),
  ]

  const send = (token: string) =>
    createCaller(issuers.get('Auth0')!, auth0.vars)({ organizationID: 'o', userID: 'u', token })

  test('each row of the table is refused for the reason that it names', async () => {
    const rows = readTable(page.section('What cannot work').tables[0])
    const reasons = rows.map(([, , reason = '']) => readCodeSpans(reason)[0])
    const responses: CallResponse[] = []
    for (const attempt of attempts) responses.push(await attempt())
    expect(responses.map(({ status }) => status)).toEqual(rows.map(() => 401))
    expect(responses.map(({ line }) => line.reason)).toEqual(reasons)
  })

  test('a service token of Cloudflare Access names nobody', async () => {
    const [person] = examples.filter(({ product }) => product === 'Cloudflare Access') as [Example]
    const claims = { sub: '', common_name: 'e367826f93b8d71185e03fe518aff3b4.access' }
    const { line } = await present(person, person.vars, { claims })
    expect(line.reason).toBe('jwt_claims_invalid')
  })
})

describe('a token that is bound to a key', () => {
  test('has the claim of the page', async () => {
    const [block] = page.section('Tokens bound to a key').code
    const { cnf } = JSON.parse(block!.text) as { cnf: object }
    const { jkt } = await createClientKey()
    expect(Object.keys(cnf)).toEqual(['jkt'])
    expect(JSON.stringify(cnf).length).toBe(JSON.stringify({ jkt }).length)
  })

  test.each(titled)('removes a user with a proof, if DPOP is set: $title', async ({ example }) => {
    const client = await createClientKey()
    const bound = { claims: { cnf: { jkt: client.jkt } } }
    const vars = { ...example.vars, DPOP: 'accept' }
    expect((await present(example, vars, bound, client)).status).toBe(200)
    expect((await present(example, vars, bound)).line.reason).toBe('dpop_missing')
    const { line } = await present(example, example.vars, bound)
    expect(line.reason).toBe('jwt_sender_constrained')
  })
})

const ofApp = (aud: unknown) => ({ claims: { aud, scp: undefined, nonce: '12345' } })

describe('an ID token of Microsoft Entra', () => {
  const [entra] = examples.filter(({ product }) => product === 'Microsoft Entra') as [Example]

  test('of a front end is rejected, since its audience is another app', async () => {
    const { line } = await present(entra, entra.vars, ofApp(entra.payload['azp']))
    expect(line.reason).toBe('jwt_audience_mismatch')
  })

  test("of the API's own app passes, unless a scope is required", async () => {
    const idToken = ofApp(entra.vars.TOKEN_AUDIENCE)
    expect((await present(entra, entra.vars, idToken)).status).toBe(200)
    const [, scope] = /`REQUIRED_SCOPE = "(.*)"`/.exec(page.section('Microsoft Entra').text)!
    const vars = { ...entra.vars, REQUIRED_SCOPE: scope }
    expect((await present(entra, vars, idToken)).line.reason).toBe('scope_lacking')
    expect((await present(entra, vars)).status).toBe(200)
  })
})

const organizations = (count: number) => Array.from({ length: count }, () => crypto.randomUUID())

describe('a passport of Unikorn', () => {
  const [person] = examples.filter(({ product }) => product === 'Unikorn / nscale') as [Example]

  test.each<[title: string, reason: string | undefined, changes: TokenChanges]>([
    ['without an audience', 'jwt_audience_mismatch', { claims: { aud: undefined } }],
    ['for another audience', 'jwt_audience_mismatch', { claims: { aud: ['compute'] } }],
    ['with a type in the header', 'jwt_type_mismatch', { header: { typ: 'JWT' } }],
    [
      'with capital letters in the address',
      'caller_unknown',
      { claims: { sub: 'Ada@acme.example' } },
    ],
    [
      'of a system account without a row',
      'caller_unknown',
      { claims: { acctype: 'system', sub: 'compute.unikorn.example' } },
    ],
    ['with 200 organizations', 'token_oversize', { claims: { org_ids: organizations(200) } }],
    ['with 100 organizations', undefined, { claims: { org_ids: organizations(100) } }],
    ['for another organization', undefined, { claims: { org_id: organizations(1)[0] } }],
    ['from another original issuer', undefined, { claims: { src_iss: 'https://login.example' } }],
    ['with an audience that is a text', undefined, { claims: { aud: person.vars.TOKEN_AUDIENCE } }],
  ])('%s: %s', async (_, reason, changes) => {
    const { status, line } = await present(person, person.vars, changes)
    expect(line.reason).toBe(reason)
    expect(status).toBe(reason === undefined ? 200 : 401)
  })

  test('is not an ID token, whose issuer is the host', async () => {
    const claims = { iss: 'https://identity.unikorn.example', typ: undefined }
    const { line } = await present(person, person.vars, { claims })
    expect(line.reason).toBe('jwt_issuer_mismatch')
  })
})
