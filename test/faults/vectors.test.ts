/**
 * Test vectors of others: every JSON Web Signature and JSON Web Key of Project Wycheproof, as a bearer token and as the
 * issuer's key set. Their payloads are no claims, so none of them may come through; how far each one comes is told by
 * the reason in the log: a payload is looked at only once its signature has been verified.
 */
import { decodeProtectedHeader } from 'jose'
import pMap from 'p-map'
import { afterAll, describe, expect, test } from 'vitest'
import { withBody } from '../support/jwks-responders'
import { startKeyHarness } from './harness/key-harness'
import keyVectors from './vectors/json_web_key_test.json'
import signatureVectors from './vectors/json_web_signature_test.json'

interface Vector {
  readonly tcId: number
  readonly comment: string
  readonly jws: string
  readonly result: string
}

type Key = Readonly<Record<string, unknown>>
type Published = Key | { readonly keys: readonly Key[] }

interface VectorGroup {
  readonly comment: string
  readonly public?: Published
  /** What a secret key is published as, which no issuer should do. */
  readonly private?: Published
  readonly tests: readonly Vector[]
}

/** What the Worker says of a token whose signature it has verified and whose payload it cannot read. */
const VERIFIED = 'jwt_malformed'
/** What it says of one whose signature it has not. */
const REFUSED = new Set([
  'jwt_signature_invalid',
  'jwt_algorithm_not_allowed',
  'jwt_unknown_key',
  'jwt_unusable_key',
])
const ALLOWED = new Set(['ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'EdDSA', 'Ed25519'])
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/

/**
 * Weak prime numbers (CVE-2017-15361) cannot be told from the key's form: an issuer must not have such a key. The Worker
 * takes it, and this list says so.
 */
const NOT_DETECTED = new Set(['rejectsKeyWithRocaVulnerability'])

const harness = await startKeyHarness(['harness'], [...ALLOWED].join())
afterAll(() => harness.stop())
let served = 0

/** Publishes the keys beside a good one, and asks with the vector's token. */
async function findReason(keys: readonly unknown[], token: string): Promise<string | undefined> {
  const name = `vector-${(served += 1)}`
  const body = JSON.stringify({ keys: [...keys, harness.issuer.keys[0].publicJWK] })
  harness.responses.set(name, withBody(body))
  const { status, requestID } = await harness.ask(name, { token })
  expect(status).toBe(401)
  return (await harness.lineOf(requestID)).reason
}

function algorithmOf(token: string): unknown {
  try {
    return decodeProtectedHeader(token).alg
  } catch {
    return undefined
  }
}

function keysOf(group: VectorGroup): readonly Key[] {
  const published = group.public ?? group.private ?? {}
  return 'keys' in published && Array.isArray(published.keys) ? published.keys : [published]
}

/** Whether a token should be verified here: it is valid, and of an algorithm that the Worker and its key name. */
function isToVerify({ jws, result, comment }: Vector, keys: readonly Key[]): boolean {
  const algorithm = algorithmOf(jws)
  if (!COMPACT.test(jws) || !ALLOWED.has(String(algorithm))) return false
  if (NOT_DETECTED.has(comment)) return true
  return result === 'valid' && keys.some(({ alg }) => alg === algorithm)
}

describe.each<{ file: string; groups: readonly VectorGroup[]; count: number; verified: number }>([
  {
    file: 'JSON Web Signature',
    groups: signatureVectors.testGroups,
    count: signatureVectors.numberOfTests,
    verified: 14,
  },
  {
    file: 'JSON Web Key',
    groups: keyVectors.testGroups,
    count: keyVectors.numberOfTests,
    verified: 2,
  },
])('of the $count vectors for $file', ({ groups, count, verified }) => {
  test(`${verified} are verified, and every other one is refused before its payload is read`, async () => {
    const cases = groups.flatMap((group) =>
      group.tests.map((vector) => ({ vector, keys: keysOf(group), group: group.comment })),
    )
    const seen = await pMap(
      cases,
      async ({ vector, keys, group }) => ({
        name: `${group} ${vector.tcId} ${vector.comment}`,
        toVerify: isToVerify(vector, keys),
        isReadable: COMPACT.test(vector.jws) && ALLOWED.has(String(algorithmOf(vector.jws))),
        reason: await findReason(keys, vector.jws),
      }),
      { concurrency: 8 },
    )
    expect(seen.length).toBe(count)
    expect(seen.filter(({ toVerify }) => toVerify).length).toBe(verified)
    expect(seen.filter(({ toVerify, reason }) => toVerify && reason !== VERIFIED)).toEqual([])
    const refused = seen.filter(({ toVerify, isReadable }) => !toVerify && isReadable)
    expect(refused.filter(({ reason }) => !REFUSED.has(reason ?? ''))).toEqual([])
  })
})
