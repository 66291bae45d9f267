/**
 * Drawn requests with DPoP proofs, valid or bent in one place (dpop-bends.ts), judged by this Worker and by oauth4webapi.
 * Both must say the same, except where the table lists a difference with its reason.
 *
 * FUZZ_PROOFS says how many, FUZZ_SEED where to begin.
 */
import { constantFrom, double, record, sample, string } from 'fast-check'
import * as oauth from 'oauth4webapi'
import pMap from 'p-map'
import { afterAll, expect, test } from 'vitest'
import { call, pathOf } from '../support/node/client'
import { serveIssuer } from '../support/node/jwks-server'
import { startWorkers } from '../support/node/local-workers'
import { createClientKey, makeProof, type ClientKey } from '../support/proofs'
import { createFixture } from '../support/fixture'
import { createBends, type Bend, type Verdict } from './dpop-bends'

const PROOFS = Number(process.env['FUZZ_PROOFS'] ?? 1_000)
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_125)
const PROGRESS = 5_000
const ALGORITHMS = ['ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'EdDSA', 'Ed25519'] as const

const issuer = await serveIssuer()
const workers = await startWorkers({
  identity: [{ vars: { ...issuer.vars, DPOP: 'accept' } }],
})
afterAll(async () => {
  await workers.stop()
  await issuer.stop()
})
const fixture = await createFixture(workers.db)
const subject = fixture.administrator.person.subject
const keys = await Promise.all(ALGORITHMS.map((algorithm) => createClientKey(algorithm)))
const other = await createClientKey()
const straight: Bend = { name: 'nothing', bend: () => ({}), here: 'valid', there: 'valid' }
const bends = [straight, ...(await createBends())]
const STRAIGHT = 20

interface Drawn {
  readonly bend: Bend
  readonly key: ClientKey
  readonly userID: string
  readonly chance: number
}

const drawn: readonly Drawn[] = sample(
  record({
    bend: constantFrom(...bends, ...Array.from({ length: STRAIGHT }, () => straight)),
    key: constantFrom(...keys),
    userID: string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).map((text) => `~${text}u`),
    chance: double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  }),
  { numRuns: PROOFS, seed: SEED },
)

const server: oauth.AuthorizationServer = {
  issuer: issuer.vars.TOKEN_ISSUER,
  jwks_uri: issuer.vars.JWKS_URL,
}

async function askOracle(url: URL, headers: Headers): Promise<Verdict> {
  const request = new Request(url, { method: 'DELETE', headers })
  const options = { [oauth.allowInsecureRequests]: true, signingAlgorithms: [...ALGORITHMS] }
  return oauth.validateJwtAccessToken(server, request, issuer.vars.TOKEN_AUDIENCE, options).then(
    () => 'valid',
    () => 'invalid',
  )
}

interface Judged extends Drawn {
  readonly seenHere: Verdict
  readonly seenThere: Verdict
}

async function judge(request: Drawn, index: number): Promise<Judged> {
  if (index > 0 && index % PROGRESS === 0) console.log(`${index} of ${PROOFS} proofs`)
  const { bend, key, userID, chance } = request
  const url = new URL(pathOf(fixture.organizationID, userID), workers.url)
  const bent = bend.bend({ key, other, url: url.href, chance })
  const claims = { cnf: { jkt: key.jkt }, ...bent.token?.claims }
  const token = await issuer.token(subject, { ...bent.token, claims })
  const proof = await makeProof(bent.key ?? key, { url: url.href, token }, bent.proof)
  const headers = new Headers()
  for (const value of bent.headers?.(proof) ?? [proof]) headers.append('DPoP', value)
  headers.set('Authorization', `${bent.scheme ?? 'DPoP'} ${bent.alter?.(token) ?? token}`)
  const sent = { path: url.pathname, headers: Object.fromEntries(headers) }
  const [{ status }, seenThere] = await Promise.all([
    call(workers.url, sent),
    askOracle(url, headers),
  ])
  expect([401, 404]).toContain(status)
  return { ...request, seenHere: status === 404 ? 'valid' : 'invalid', seenThere }
}

test(`${PROOFS} drawn requests are judged as oauth4webapi judges them, or as the table says`, async () => {
  const judged = await pMap(drawn, judge, { concurrency: 8 })
  const surprises = judged.filter(({ bend, seenHere, seenThere }) => {
    const { here = seenThere, there = seenHere } = bend
    return seenHere !== here || seenThere !== there
  })
  const described = surprises.map(({ bend, key, userID, chance, seenHere, seenThere }) => {
    return { bend: bend.name, algorithm: key.algorithm, userID, chance, seenHere, seenThere }
  })
  expect(described.slice(0, 10)).toEqual([])
  // Every row of the table was tried, so each listed difference is there.
  const tried = new Set(judged.map(({ bend }) => bend))
  expect(bends.filter((bend) => !tried.has(bend)).map(({ name }) => name)).toEqual([])
}, 3_600_000)

test('each difference has its reason, and each reason a difference', () => {
  for (const { name, here, there, why } of bends) {
    expect([name, here === there]).toEqual([name, why === undefined])
  }
})
