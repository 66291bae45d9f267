/**
 * Random requests with DPoP proofs, valid or changed in one place, judged by the Worker and by oauth4webapi. Both give the
 * same verdict, except for the differences that dpop-mutations.ts lists with their reasons.
 *
 * FUZZ_PROOFS is the number of proofs, FUZZ_SEED the seed.
 */
import { constantFrom, double, record, sample, string } from 'fast-check'
import * as oauth from 'oauth4webapi'
import pMap from 'p-map'
import { afterAll, expect, test } from 'vitest'
import { createFixture } from '../support/fixture'
import { call, pathOf } from '../support/node/client'
import { createClientKey, makeProof, type ClientKey } from '../support/proofs'
import { createMutations, type Mutation, type Verdict } from './dpop-mutations'
import { startIdentity } from './harness/start'

const PROOFS = Number(process.env['FUZZ_PROOFS'] ?? 1_000)
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_125)
const PROGRESS = 5_000
const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'EdDSA', 'Ed25519'] as const

const workers = await startIdentity({ identity: [{ vars: { DPOP: 'accept' } }] })
const { issuer } = workers
afterAll(() => workers.stop())
const fixture = await createFixture(workers.db)
const subject = fixture.administrator.person.subject
const keys = await Promise.all(ALGORITHMS.map((algorithm) => createClientKey(algorithm)))
const other = await createClientKey()
const unchanged: Mutation = {
  name: 'none',
  mutate: () => ({}),
  worker: 'valid',
  oracle: 'valid',
}
const mutations = [unchanged, ...(await createMutations())]
/** Repeated in the list, so that many requests are valid. */
const UNCHANGED = Array.from({ length: 20 }, () => unchanged)

interface DrawnRequest {
  readonly mutation: Mutation
  readonly key: ClientKey
  readonly userID: string
  readonly chance: number
}

const drawn: readonly DrawnRequest[] = sample(
  record({
    mutation: constantFrom(...mutations, ...UNCHANGED),
    key: constantFrom(...keys),
    userID: string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).map((text) => `~${text}u`),
    chance: double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  }),
  { numRuns: PROOFS, seed: SEED },
)

async function askOracle(url: URL, headers: Headers): Promise<Verdict> {
  const { TOKEN_ISSUER, JWKS_URL, TOKEN_AUDIENCE } = issuer.vars
  const server: oauth.AuthorizationServer = { issuer: TOKEN_ISSUER, jwks_uri: JWKS_URL }
  const request = new Request(url, { method: 'DELETE', headers })
  const options = { [oauth.allowInsecureRequests]: true, signingAlgorithms: [...ALGORITHMS] }
  return oauth.validateJwtAccessToken(server, request, TOKEN_AUDIENCE, options).then(
    () => 'valid',
    () => 'invalid',
  )
}

/** Sends a request to both. @returns undefined if their verdicts are the expected ones */
async function findDifference({ mutation, key, userID, chance }: DrawnRequest, index: number) {
  if (index > 0 && index % PROGRESS === 0) console.log(`${index} of ${PROOFS} proofs`)
  const url = new URL(pathOf(fixture.organizationID, userID), workers.url)
  const changes = mutation.mutate({ key, other, url: url.href, chance })
  const claims = { cnf: { jkt: key.jkt }, ...changes.token?.claims }
  const token = await issuer.token(subject, { ...changes.token, claims })
  const proof = await makeProof(changes.key ?? key, { url: url.href, token }, changes.proof)
  const headers = new Headers()
  for (const value of changes.headers?.(proof) ?? [proof]) headers.append('DPoP', value)
  headers.set('Authorization', `${changes.scheme ?? 'DPoP'} ${changes.alter?.(token) ?? token}`)
  const sent = { path: url.pathname, headers: Object.fromEntries(headers) }
  const [{ status }, oracle] = await Promise.all([call(workers.url, sent), askOracle(url, headers)])
  expect([401, 404]).toContain(status)
  const worker: Verdict = status === 404 ? 'valid' : 'invalid'
  const expected = { worker: mutation.worker ?? oracle, oracle: mutation.oracle ?? worker }
  if (expected.worker === worker && expected.oracle === oracle) return undefined
  return { mutation: mutation.name, algorithm: key.algorithm, userID, chance, worker, oracle }
}

test(`${PROOFS} random requests get the verdict of oauth4webapi, or the listed one`, async () => {
  const differences = await pMap(drawn, findDifference, { concurrency: 8 })
  expect(differences.filter((found) => found !== undefined).slice(0, 10)).toEqual([])
  // Every mutation was drawn, so each listed difference exists.
  const tried = new Set(drawn.map(({ mutation }) => mutation))
  expect(mutations.filter((each) => !tried.has(each)).map(({ name }) => name)).toEqual([])
}, 3_600_000)
