/**
 * The products of docs/issuers.md as issuers inside workerd. Each publishes its keys as that product does, and signs the
 * tokens of the page.
 */
import { env } from 'cloudflare:workers'
import { parse as parseTOML } from 'smol-toml'
import text from '../../../docs/issuers.md?raw'
import { parseDocument } from '../../operations/document'
import type { TokenChanges } from '../../../dev/test-issuer.ts'
import { withBody } from '../jwks-responders'
import { createKey, without, type KeyAlgorithm, type SigningKey } from '../../../dev/test-keys.ts'
import { makeProof, type ClientKey } from '../proofs'
import { createSeed } from '../../../dev/seeder.ts'
import { createCaller, createRequest, type CallResponse, type Vars } from './caller'
import { serveIssuer, type ServedIssuer } from './issuers'

type Names = 'TOKEN_ISSUER' | 'TOKEN_AUDIENCE' | 'JWKS_URL'
type DocumentedVars = Vars & Readonly<Record<Names, string>>

/** A token of the page, and the variables that stand above it. */
export interface Example {
  readonly product: string
  readonly kind: 'person' | 'machine'
  readonly vars: DocumentedVars
  readonly header: Readonly<Record<string, unknown>> &
    Pick<SigningKey, 'kid'> & { alg: KeyAlgorithm }
  readonly payload: Readonly<Record<string, unknown>> & { readonly sub: string }
}

const CERTIFICATES = { x5c: ['MIIC…'], x5t: 'NjVBRjY5MDlCMUIwNzU4RTA2QzZFMDQ4' }

/** The JWK Set of each product. */
const published: Readonly<Record<string, (key: SigningKey, other: SigningKey) => object>> = {
  Keycloak: ({ publicJWK }, other) => ({
    keys: [
      { ...other.publicJWK, ...CERTIFICATES, use: 'enc', alg: 'RSA-OAEP' },
      { ...publicJWK, ...CERTIFICATES },
    ],
  }),
  Auth0: ({ publicJWK }, other) => ({
    keys: [
      { ...publicJWK, ...CERTIFICATES },
      { ...other.publicJWK, ...CERTIFICATES },
    ],
  }),
  'Microsoft Entra': ({ publicJWK }, other) => ({
    keys: [other.publicJWK, publicJWK].map((key) =>
      Object.assign(without(key, 'alg'), CERTIFICATES, {
        issuer: 'https://login.microsoftonline.com',
      }),
    ),
  }),
  Okta: ({ publicJWK }) => ({ keys: [publicJWK] }),
  'Cloudflare Access': ({ publicJWK, kid }, other) => ({
    keys: [publicJWK, other.publicJWK],
    public_cert: { kid, cert: '-----BEGIN CERTIFICATE-----…' },
    public_certs: [{ kid, cert: '-----BEGIN CERTIFICATE-----…' }],
  }),
  Zitadel: ({ publicJWK }) => ({ keys: [publicJWK] }),
  'Unikorn / nscale': ({ publicJWK }) => ({ keys: [publicJWK] }),
}

/** The page. */
export const page = parseDocument(text, 'docs/issuers.md')
/** The products by their headings. */
export const products = Object.keys(published)
/** Every token of the page. */
export const examples = products.flatMap(readExamples)
/** The issuer of each product, once they are prepared. */
export const issuers = new Map<string, ServedIssuer>()
const keys = new Map<string, SigningKey>()
const organizations = new Map<string, string>()

function readExamples(product: string): Example[] {
  const found: Example[] = []
  let vars: DocumentedVars | undefined
  for (const { language, notes, text: block } of page.section(product).code) {
    if (language === 'toml') vars = parseTOML(block) as DocumentedVars
    if (language !== 'json' || vars === undefined) continue
    const token = JSON.parse(block) as Pick<Example, 'header' | 'payload'>
    found.push({ product, kind: notes as Example['kind'], vars, ...token })
  }
  return found
}

/** Makes an issuer for each product, and administrators of the owners of its tokens. */
export async function prepareIssuers(): Promise<void> {
  const seed = createSeed()
  const other = await createKey('RS256')
  for (const product of products) {
    const ofProduct = examples.filter((example) => example.product === product)
    const [{ vars, header }] = ofProduct as [Example]
    const key = await createKey(header.alg, header.kid)
    const issuer = await serveIssuer({ jwksURL: vars.JWKS_URL })
    issuer.endpoint.respond = withBody(JSON.stringify(published[product]!(key, other)))
    issuers.set(product, issuer)
    keys.set(product, key)
    for (const { kind, payload } of ofProduct) {
      if (organizations.has(payload.sub)) continue
      const organizationID = seed.organization()
      const administrators = seed.group(organizationID, ['administrator'])
      organizations.set(payload.sub, organizationID)
      if (kind === 'machine') seed.serviceAccount(organizationID, [administrators], payload.sub)
      else {
        const person = seed.person({ subject: payload.sub })
        seed.member(organizationID, { person, groups: [administrators] })
      }
    }
  }
  await seed.save(env.DB)
}

/**
 * Calls with an example's token, its times moved to now, to remove a new user.
 *
 * @param client the key of a client, which proves that the token is its own (DPoP)
 */
export async function present(
  example: Example,
  vars: Vars,
  changes: TokenChanges = {},
  client?: ClientKey,
): Promise<CallResponse> {
  const seed = createSeed()
  const member = seed.member(organizations.get(example.payload.sub) ?? '')
  await seed.save(env.DB)
  const now = Math.floor(Date.now() / 1_000)
  const times = { iat: now, exp: now + 3_600, ...(example.payload['nbf'] ? { nbf: now } : {}) }
  const issuer = issuers.get(example.product)!
  const token = await issuer.token(example.payload.sub, {
    key: keys.get(example.product)!,
    headerText: JSON.stringify({ ...example.header, ...changes.header }),
    payloadText: JSON.stringify({ ...example.payload, ...times, ...changes.claims }),
  })
  const call = createCaller(issuer, { TOKEN_TYPE: '', ...vars })
  if (client === undefined) return call({ ...member, token })
  const { method, url } = createRequest(member)
  const DPoP = await makeProof(client, { method, url, token })
  return call({ ...member, headers: { Authorization: `DPoP ${token}`, DPoP } })
}
