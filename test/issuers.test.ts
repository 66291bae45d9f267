/**
 * docs/issuers.md, run: each token on that page is taken by a Worker with the variables above it, and by no other
 * product's. What cannot work does not, for the reason that the page names.
 */
import { base64url } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { readCodeSpans } from './operations/document'
import { createCaller, type Answer } from './support/worker/caller'
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

  test('removes a user where the variables above it are set', async () => {
    const { status, line } = await present(example, vars)
    expect(status).toBe(200)
    const actor = { kind: kind === 'person' ? 'user' : 'service_account', subject: payload.sub }
    expect(line.actor).toEqual(actor)
  })

  test('is refused where those of any other product are set', async () => {
    for (const other of examples.filter((candidate) => candidate.product !== product)) {
      expect((await present(example, other.vars)).status).toBe(401)
    }
  })

  test.each(['at+jwt', 'JWT', 'none'])(
    'is refused with the type %s, unless it is its own',
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

describe('what cannot work', () => {
  const [auth0] = examples.filter(({ product }) => product === 'Auth0') as [Example]

  /** A token of each row, in the table's order: what Auth0 would send, were it set so. */
  const attempts: (() => Promise<Answer>)[] = [
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
        claims: { cnf: { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' } },
      }),
    () => present(auth0, auth0.vars, { claims: { sub: '' } }),
    () => present(auth0, auth0.vars, { claims: { aud: '00000003-0000-0000-c000-000000000000' } }),
  ]

  const send = (token: string) =>
    createCaller(issuers.get('Auth0')!, auth0.vars)({ organizationID: 'o', userID: 'u', token })

  test('each row of the table is refused for the reason that it names', async () => {
    const rows = readTable(page.section('What cannot work').tables[0])
    const reasons = rows.map(([, , reason = '']) => readCodeSpans(reason)[0])
    const answers: Answer[] = []
    for (const attempt of attempts) answers.push(await attempt())
    expect(answers.map(({ status }) => status)).toEqual(rows.map(() => 401))
    expect(answers.map(({ line }) => line.reason)).toEqual(reasons)
  })

  test('a service token of Cloudflare Access names nobody', async () => {
    const [person] = examples.filter(({ product }) => product === 'Cloudflare Access') as [Example]
    const claims = { sub: '', common_name: 'e367826f93b8d71185e03fe518aff3b4.access' }
    const { line } = await present(person, person.vars, { claims })
    expect(line.reason).toBe('jwt_claims_invalid')
  })

  test("an ID token's audience is its client, so it is refused where the audience is no client's", async () => {
    const [person] = examples.filter(({ product }) => product === 'Microsoft Entra') as [Example]
    const claims = { aud: person.payload['azp'], scp: undefined, nonce: '12345' }
    const { line } = await present(person, person.vars, { claims })
    expect(line.reason).toBe('jwt_audience_mismatch')
  })
})
